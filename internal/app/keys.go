package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"countersign/internal/secret"
)

// openKeys reads the key ring, or makes its file where the environment is
// development: production must know where its key is.
func (c *Config) openKeys() (*secret.Ring, error) {
	if text := c.Key.Reveal(); text != "" {
		ring, err := secret.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		return ring, nil
	}
	text, err := os.ReadFile(c.KeyFile)
	if errors.Is(err, fs.ErrNotExist) && c.development() {
		ring := secret.Generate()
		return ring, WriteKeyFile(c.KeyFile, ring)
	}
	if err != nil {
		return nil, keyFileError(c.KeyFile, err)
	}
	if info, err := os.Stat(c.KeyFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		c.warn("key_file %s can be read by every user of this machine; «chmod 600» it", c.KeyFile)
	}
	return parseKeyFile(c.KeyFile, text)
}

func readKeyFile(path string) (*secret.Ring, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, keyFileError(path, err)
	}
	return parseKeyFile(path, text)
}

func keyFileError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("key_file: %s does not exist. If this is a new installation, make it with «countersign keys generate %s»; "+
			"if not, bring it back from your copy: without it no code and no number in the database can be read", path, path)
	}
	return fmt.Errorf("key_file: %w", err)
}

func parseKeyFile(path string, text []byte) (*secret.Ring, error) {
	ring, err := secret.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("key_file %s: %w", path, err)
	}
	return ring, nil
}

// WriteKeyFile writes a new key file, for its owner alone. It never overwrites
// one: that would lose whatever the old key protects.
func WriteKeyFile(path string, ring *secret.Ring) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the key's folder cannot be made: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the key file cannot be made: %w", err)
	}
	_, err = f.WriteString(keyFileHead + ring.Text())
	return errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path)))
}

// syncFolder makes the names in a folder survive a power cut.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

const keyFileHead = "# Countersign key ring. Keep a copy apart from the database.\n"

// developmentKey is the API key of the dev command: drawn from the key file, so
// that it is the same at every start and stored nowhere.
func developmentKey(ring *secret.Ring) (string, error) {
	sum, err := ring.Sum(ring.Current(), secret.API, "development")
	if err != nil {
		return "", err
	}
	return "KEYdev" + hex.EncodeToString(sum[:20]), nil
}
