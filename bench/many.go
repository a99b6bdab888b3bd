package main

import "context"

// few is what many is compared with.
const few = 10_000

func (b *bench) measureMany(ctx context.Context, d *database) error { return nil }
func (b *bench) measureLive(ctx context.Context, d *database) error { return nil }
