// Command demo shows the main job from end to end, on SoftHSM and SQLite, through the real
// program: token, CAs and units; a clerk issues a citizen's certificate; an officer and an
// organisation get theirs; a document system hands over a real PDF; the leader signs, the
// clerk numbers and seals, and the document system gets it back.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Files of the repository that the demonstration uses; it runs from the repository's root.
const (
	unitsFile    = "testdata/units/hanoi_units.json"
	documentFile = "testdata/pdf/to-trinh.pdf"
)

func main() {
	dir := flag.String("dir", "var/demo", "folder of the installation")
	kyso := flag.String("kyso", "bin/kyso", "the program")
	serve := flag.Bool("serve", false, "leave the service running at http://localhost:8080")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := show(ctx, *dir, *kyso, *serve)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func show(ctx context.Context, dir, kyso string, serve bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	st, err := loadState(dir)
	if err != nil {
		return err
	}
	s := &stage{dir: dir, kyso: kyso, state: st, out: bufio.NewWriter(os.Stdout), serve: serve}
	if err := s.install(ctx); err != nil {
		return err
	}
	return nil
}
