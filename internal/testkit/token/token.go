// Package token makes SoftHSM tokens for tests, the demo and benchmarks: real
// PKCS#11, no hardware.
//
// SoftHSM reads its configuration from SOFTHSM2_CONF when it is initialised,
// once for the process, so all tokens of a process stand in one folder and are
// told apart by label.
package token

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// ErrMissing says that SoftHSM is not installed.
var ErrMissing = errors.New("SoftHSM is missing: apt-get install softhsm2")

// Module finds SoftHSM's library: KYSO_TEST_PKCS11_MODULE, else where Debian
// puts it.
func Module() (string, error) {
	if path := os.Getenv("KYSO_TEST_PKCS11_MODULE"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("KYSO_TEST_PKCS11_MODULE: %w", err)
		}
		return path, nil
	}
	paths := []string{"/usr/lib/softhsm/libsofthsm2.so"}
	found, _ := filepath.Glob("/usr/lib/*-linux-gnu/softhsm/libsofthsm2.so") // the pattern is good
	for _, path := range append(paths, found...) {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// Conf is the configuration file of the tokens in dir.
func Conf(dir string) string { return filepath.Join(dir, "softhsm2.conf") }

// Use points this process, and the programs it starts, at the tokens in dir. It
// must come before the module is initialised.
func Use(dir string) error { return os.Setenv("SOFTHSM2_CONF", Conf(dir)) }

// Init makes a token in dir, and dir's configuration when there is none. A
// label that exists is refused.
func Init(dir, label, pin, soPIN string) error {
	if err := writeConf(dir); err != nil {
		return err
	}
	if out, err := util(dir, "--show-slots"); err != nil {
		return err
	} else if hasLabel(out, label) {
		return fmt.Errorf("make token: label %q exists in %s", label, dir)
	}
	_, err := util(dir, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", soPIN)
	return err
}

// Remove deletes a token with its keys.
func Remove(dir, label string) error {
	_, err := util(dir, "--delete-token", "--token", label)
	return err
}

func writeConf(dir string) error {
	if _, err := os.Stat(Conf(dir)); err == nil {
		return nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	tokens := filepath.Join(abs, "tokens")
	if err := os.MkdirAll(tokens, 0o700); err != nil {
		return fmt.Errorf("make token folder: %w", err)
	}
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens)
	return os.WriteFile(Conf(dir), []byte(conf), 0o600)
}

func hasLabel(slots, label string) bool {
	for line := range strings.SplitSeq(slots, "\n") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Label:"); ok && strings.TrimSpace(name) == label {
			return true
		}
	}
	return false
}

// util runs softhsm2-util on the tokens in dir.
func util(dir string, args ...string) (string, error) {
	bin, err := exec.LookPath("softhsm2-util")
	if err != nil {
		return "", ErrMissing
	}
	module, err := Module()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(bin, append([]string{"--module", module}, args...)...)
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+Conf(dir))
	out, err := cmd.CombinedOutput()
	if err != nil {
		// Not the arguments: they hold the PIN.
		return "", fmt.Errorf("softhsm2-util %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// TB is the part of testing.TB that New needs, declared here so that programs
// can use this package without linking package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Token is a token made for a test.
type Token struct {
	Module string // path of the PKCS#11 library
	Dir    string // folder of the process's tokens
	Label  string
	PIN    string
	SOPIN  string
}

// shared is the folder of this process's test tokens, while there are any.
var shared struct {
	sync.Mutex
	dir  string
	live int
}

// New makes a token of its own for a test, removed when the test ends. Tests
// that use it may run in parallel.
func New(t TB) *Token {
	t.Helper()
	module, err := Module()
	if err != nil {
		t.Fatalf("make test token: %v", err)
	}
	tok := &Token{Module: module, Label: "test-" + rand.Text()[:12], PIN: "12345678", SOPIN: "87654321"}
	if err := tok.make(); err != nil {
		t.Fatalf("make test token: %v", err)
	}
	t.Cleanup(func() {
		if err := tok.remove(); err != nil {
			t.Fatalf("remove test token: %v", err)
		}
	})
	return tok
}

func (tok *Token) make() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.live == 0 {
		dir, err := os.MkdirTemp("", "kyso-token-")
		if err != nil {
			return err
		}
		shared.dir = dir
		if err := Use(dir); err != nil {
			return err
		}
	}
	tok.Dir = shared.dir
	if err := Init(tok.Dir, tok.Label, tok.PIN, tok.SOPIN); err != nil {
		return err
	}
	shared.live++
	return nil
}

// remove deletes the token, and the folder with the last one.
func (tok *Token) remove() error {
	shared.Lock()
	defer shared.Unlock()
	shared.live--
	if shared.live > 0 {
		return Remove(tok.Dir, tok.Label)
	}
	return os.RemoveAll(tok.Dir)
}
