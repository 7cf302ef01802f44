package token_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/token"
)

func TestTokenIsMadeOnceAndRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := token.Init(dir, "demo", "12345678", "87654321"); err != nil {
		t.Fatal(err)
	}
	if err := token.Init(dir, "demo", "12345678", "87654321"); err == nil {
		t.Error("the same label is made twice")
	}
	if err := token.Init(dir, "other", "12345678", "87654321"); err != nil {
		t.Error(err)
	}
	if err := token.Remove(dir, "demo"); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir + "/tokens")
	if err != nil || len(left) != 1 {
		t.Errorf("%d tokens left, %v", len(left), err)
	}
	if err := token.Init(dir, "short", "1", "87654321"); err == nil || strings.Contains(err.Error(), "87654321") {
		t.Errorf("a PIN of one digit: %v", err)
	}
}

func TestFolderGoesWithTheLastToken(t *testing.T) {
	var dir string
	t.Run("test", func(t *testing.T) {
		a, b := token.New(t), token.New(t)
		if a.Label == b.Label || a.Dir != b.Dir {
			t.Errorf("tokens %+v and %+v", a, b)
		}
		dir = a.Dir
	})
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder %s is left: %v", dir, err)
	}
}

func TestMissingSoftHSMSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := token.Init(t.TempDir(), "demo", "12345678", "87654321")
	if !errors.Is(err, token.ErrMissing) || !strings.Contains(err.Error(), "apt-get install softhsm2") {
		t.Errorf("%v", err)
	}
	t.Setenv("KYSO_TEST_PKCS11_MODULE", "/nowhere.so")
	if _, err := token.Module(); err == nil || !strings.Contains(err.Error(), "/nowhere.so") {
		t.Errorf("%v", err)
	}
}
