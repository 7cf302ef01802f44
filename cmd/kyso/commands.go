package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
)

// commands lists every command by its words.
func commands() map[string]command {
	return map[string]command{
		"help":    help,
		"version": showVersion,

		"pdf sign":    pdfSign,
		"pdf augment": pdfAugment,

		"serve":           serve,
		"config check":    checkConfig,
		"migrate":         migrate,
		"ceremony":        ceremony,
		"setup":           setup,
		"unit import":     importUnits,
		"report issuance": reportIssuance,
		"counts recount":  recount,
		"pdf verify":      pdfVerify,
	}
}

func help(_ context.Context, e env, _ []string) error {
	names := make([]string, 0, len(commands()))
	for name := range commands() {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintln(e.stderr, "kyso issues certificates, signs documents, and counts both. Commands:")
	for _, n := range names {
		fmt.Fprintln(e.stderr, "  kyso "+n)
	}
	fmt.Fprintln(e.stderr, "Each tells its flags with -h.")
	return nil
}

func showVersion(_ context.Context, e env, _ []string) error {
	_, err := fmt.Fprintf(e.stdout, "kyso %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
