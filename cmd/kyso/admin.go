package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/kyso-vn/kyso/internal/config"
)

func loadConfig(e env, file string) (config.Config, error) {
	c, err := config.Load(file, e.environ)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// checkConfig reads the configuration and says what it comes to.
func checkConfig(_ context.Context, e env, args []string) error {
	flags := newFlags(e, "config check")
	file := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	c, err := loadConfig(e, *file)
	if err != nil {
		return err
	}
	return json.NewEncoder(e.stdout).Encode(c.Redacted())
}

// migrate brings the database schema up to date; so does every command that opens it.
func migrate(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "migrate")
	file := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	a, err := openApp(ctx, e, *file)
	if err != nil {
		return err
	}
	return a.close()
}

// importUnits reads units and their succession.
func importUnits(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "unit import")
	conf := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError("kyso unit import [--config FILE] UNITS.json")
	}
	f, err := os.Open(flags.Arg(0))
	if err != nil {
		return err
	}
	defer f.Close()
	a, err := openApp(ctx, e, *conf)
	if err != nil {
		return err
	}
	n, err := a.units.Import(asService(ctx, "unit import"), f)
	if err == nil {
		err = json.NewEncoder(e.stdout).Encode(n)
	}
	return errors.Join(err, a.close())
}
