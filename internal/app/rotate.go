package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Rotated says what became of a rotation.
type Rotated struct {
	Key  string    `json:"key"`  // the new one
	Old  string    `json:"old"`  // the one it takes over from
	From time.Time `json:"from"` // when it takes over
}

// RotateKey adds a new key to the key file, which takes over after a while: by
// then every running node has read the file. Errors are sentences.
func RotateKey(c Config, now time.Time, after time.Duration) (Rotated, error) {
	ring, err := c.keyFile()
	if err != nil {
		return Rotated{}, err
	}
	if after < watchEvery*10 {
		return Rotated{}, fmt.Errorf("the new key must not take over before every node has read the file: give it at least %s", watchEvery*10)
	}
	next, err := ring.Rotate(now.Add(after))
	if errors.Is(err, secret.ErrRotating) {
		return Rotated{}, errors.New("the key file holds two keys: a rotation is under way. " +
			"The service says in its log when nothing stands under the old one, a day after the new one took over; then run «countersign keys retire»")
	}
	if err != nil {
		return Rotated{}, err
	}
	current := ring.At(now).Current()
	return Rotated{Key: next.Other(), Old: current, From: next.From(next.Other())}, replaceKeyFile(c.KeyFile, next)
}

// RetireKey takes the old key out of the key file, if the database needs it no
// more, and returns its id. Errors are sentences.
func RetireKey(ctx context.Context, c Config, now time.Time) (id string, err error) {
	s, err := c.checkData()
	if err != nil {
		return "", err
	}
	full, err := c.keyFile()
	if err != nil {
		return "", err
	}
	ring := full.At(now)
	old := ring.Other()
	if old == "" {
		return "", errors.New("there is no old key in the key file")
	}
	if from := ring.From(old); from.After(ring.From(ring.Current())) {
		return "", fmt.Errorf("key %s takes over from %s at %s; until then %s is the current key, and it is needed for a day more",
			old, ring.Current(), from.Format(time.RFC3339), ring.Current())
	}
	marks, err := s.database.keyMarks(ctx)
	if err != nil {
		return "", err
	}
	if len(marks) == 0 {
		return "", errors.New("the database does not say which keys it needs: start the service with this key file first")
	}
	if hasKey(marks, old) {
		takenOver := ring.From(ring.Current())
		return "", fmt.Errorf("key %s is still needed. The running service puts what is over under key %s, and forgets %s at %s at the earliest; its log says so",
			old, ring.Current(), old, verify.KeyNeededUntil(takenOver).Format(time.RFC3339))
	}
	alone, err := ring.Without(old)
	if err != nil {
		return "", err
	}
	return old, replaceKeyFile(c.KeyFile, alone)
}

// keyFile reads the key file of a checked configuration.
func (c *Config) keyFile() (*secret.Ring, error) {
	if _, err := c.checkData(); err != nil {
		return nil, err
	}
	if c.KeyFile == "" {
		return nil, errors.New("the key comes from the environment (COUNTERSIGN_KEY), where this command cannot change it. " +
			"Put it in a file and set key_file, or add a line «k2 BASE64 from=INSTANT» to it yourself: docs/keys.md says how")
	}
	return readKeyFile(c.KeyFile)
}

// replaceKeyFile puts a new file in the place of the old one, with its owner and
// mode, so that whoever reads it meanwhile sees one or the other.
func replaceKeyFile(path string, ring *secret.Ring) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("key_file: %w", err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".countersign-key-*")
	if err != nil {
		return fmt.Errorf("the key file cannot be replaced: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has another name once all is well
	_, err = f.WriteString(keyFileHead + ring.Text())
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync())
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil && (int(owner.Uid) != os.Geteuid() || int(owner.Gid) != os.Getegid()) {
		err = f.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = errors.Join(os.Rename(f.Name(), path), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return fmt.Errorf("the key file cannot be replaced: %w", err)
	}
	return nil
}
