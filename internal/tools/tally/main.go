// Command tally prints what go test -json recorded in the files named: the output of failed tests, the closing line
// of each package, and last of all "N passed, N failed". Lines that are not JSON pass as they are. It exits with 1
// when a test or package failed, or when there was no test at all.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

var errFailed = errors.New("not everything passed")

func run(files []string, out io.Writer) error {
	t := tally{output: map[string]*strings.Builder{}, failedIn: map[string]bool{}}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = t.read(f, out)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	// The closing lines come last, as they do from go test itself.
	for _, line := range t.closing {
		fmt.Fprint(out, line)
	}
	if t.skipped > 0 {
		fmt.Fprintf(out, "%d skipped\n", t.skipped)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", t.passed, t.failed)
	if t.failed > 0 || t.passed == 0 {
		return errFailed
	}
	return nil
}

// event is a line of go test -json (go doc test2json); a build's lines have an ImportPath in place of a Package.
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
}

// tally counts tests with their subtests; a package that fails without a failed test (it does not build, it panics)
// counts as one failure.
type tally struct {
	passed, failed, skipped int
	output                  map[string]*strings.Builder // by package and test, until the result is known
	failedIn                map[string]bool             // packages with a failed test
	closing                 []string
}

func (t *tally) read(r io.Reader, out io.Writer) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				fmt.Fprintf(out, "%s\n", bytes.TrimRight(line, "\n"))
			} else {
				t.add(e, out)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *tally) add(e event, out io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(out, e.Output)
	case "output":
		if e.Test == "" && isClosing(e.Output) {
			t.closing = append(t.closing, e.Output)
			return
		}
		if t.output[key] == nil {
			t.output[key] = new(strings.Builder)
		}
		t.output[key].WriteString(e.Output)
	case "pass", "skip":
		if e.Test != "" && e.Action == "pass" {
			t.passed++
		} else if e.Test != "" {
			t.skipped++
		}
		delete(t.output, key)
	case "fail":
		if e.Test != "" || !t.failedIn[e.Package] {
			t.failed++
		}
		t.failedIn[e.Package] = true
		if b := t.output[key]; b != nil {
			fmt.Fprint(out, b.String())
		}
		delete(t.output, key)
	}
}

// isClosing tells go test's line about a package from what the package printed.
func isClosing(line string) bool {
	for _, prefix := range []string{"ok  \t", "FAIL\t", "---\t", "?   \t"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
