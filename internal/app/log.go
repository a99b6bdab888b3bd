package app

import (
	"io"
	"log/slog"
)

func (l LogConfig) level() (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(l.Level))
	return level, err
}

// Logger returns the configured logger, writing to w. Without a format it writes
// text in development and JSON in production. A bad level means info: check
// refuses it anyway, in its own words.
func (c *Config) Logger(w io.Writer) *slog.Logger {
	level, err := c.Log.level()
	if err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" || c.Log.Format == "" && !c.development() {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
