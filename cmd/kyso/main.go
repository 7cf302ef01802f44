// Command kyso issues certificates, signs documents, and counts both.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/signer"
)

// version is set by the linker.
var version = "dev"

// env is what a command may touch of the world.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	// level is from where on the log is written: a service tells of its work, a command
	// only of trouble.
	level slog.Level
}

// command runs with its arguments and returns the exit code; an error is printed as a line
// of JSON and makes the code 1 unless it is an exitError.
type command func(ctx context.Context, e env, args []string) error

// exitError gives err another exit code than 1. A nil err prints nothing.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, env{os.Stdin, os.Stdout, os.Stderr, os.Environ(), slog.LevelWarn}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run finds the command by its first one or two words.
func run(ctx context.Context, e env, args []string) int {
	commands := commands()
	for words := min(2, len(args)); words > 0; words-- {
		name := args[0]
		if words == 2 {
			name += " " + args[1]
		}
		c, ok := commands[name]
		if !ok {
			continue
		}
		err := c(ctx, e, args[words:])
		if err == nil {
			return 0
		}
		code := 1
		if x, ok := errors.AsType[exitError](err); ok {
			code, err = x.code, x.err
		}
		if err != nil {
			printError(e.stderr, err)
		}
		return code
	}
	printError(e.stderr, usageError("unknown command; see kyso help"))
	return 1
}

// usageError says that the words of the command are wrong.
func usageError(format string, args ...any) error {
	return errs.New(errs.Invalid, "usage", "", fmt.Sprintf(format, args...))
}

// printError writes err as one line of JSON with a stable code.
func printError(w io.Writer, err error) {
	line := struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Vi      string `json:"message_vi,omitempty"`
		Field   string `json:"field,omitempty"`
	}{Code: codeOf(err), Message: err.Error()}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		line.Vi, line.Field = e.VI, e.Field
	}
	b, jerr := json.Marshal(line)
	if jerr != nil {
		b = []byte(`{"code":"internal","message":"an error that cannot be shown"}`)
	}
	fmt.Fprintln(w, string(b))
}

// codeOf finds the stable code in a chain of errors.
func codeOf(err error) string {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.Code
	}
	if c := hsm.CodeOf(err); c != "" {
		return string(c)
	}
	if c := signer.CodeOf(err); c != "" {
		return c
	}
	if c := pki.CodeOf(err); c != "" {
		return string(c)
	}
	return "failed"
}
