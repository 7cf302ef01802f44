package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestModuleKeepsToTheMap(t *testing.T) {
	t.Parallel()
	packages, err := load(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"hsm", "pki", "signer", "internal/arch"} {
		if !slices.ContainsFunc(packages, func(p pkg) bool { return p.name == must }) {
			t.Errorf("%s was not found among %d packages", must, len(packages))
		}
	}
	for _, violation := range check(packages) {
		t.Error(violation)
	}
}

func TestMapForbids(t *testing.T) {
	t.Parallel()
	const m = module + "/"
	for _, c := range []struct{ name, imports, want string }{
		{"hsm", "crypto", ""},
		{"hsm", m + "pki", "standard library"},
		{"hsm", "golang.org/x/crypto/cryptobyte", "standard library"},
		{"hsm", "C", "standard library"},
		{"pki", "golang.org/x/text/unicode/norm", "standard library"},
		{"signer/pdf", m + "signer", "standard library"},
		{"pki/ca", m + "pki/profile", ""},
		{"pki/ca", m + "hsm", "don't know each other"},
		{"hsm/p11", m + "hsm", ""},
		{"hsm/p11", "github.com/miekg/pkcs11", ""},
		{"hsm/p11/session", "github.com/miekg/pkcs11", ""},
		{"hsm/keyring", "github.com/miekg/pkcs11", "only [hsm/p11]"},
		{"cmd/kyso", "github.com/miekg/pkcs11", "only [hsm/p11]"},
		{"signer/pades", m + "pki/cms", ""},
		{"signer/pades", m + "hsm", "don't know each other"},
		{"signer/pades", m + "internal/errs", "nothing of internal"},
		{"pki/tsa", m + "signer", "stands higher"},
		{"pki/tsa", "github.com/digitorus/timestamp", "only []"},
		{"internal/agent", m + "hsm/keyring", ""},
		{"internal/signing", m + "hsm/keyring", "only [internal/agent cmd]"},
		{"internal/signing", m + "internal/agent", ""},
		{"internal/signing", m + "internal/issuance", "don't know each other"},
		{"internal/agent", m + "internal/signing", "stands higher"},
		{"internal/blob", m + "internal/errs", ""},
		{"internal/store", m + "internal/store/migrations", ""},
		{"internal/store", m + "internal/routing", ""},
		{"internal/dms", m + "internal/store", "only [cmd]"},
		{"internal/server/api", m + "internal/store", "only [cmd]"},
		{"internal/server/api", m + "internal/config", "only [cmd]"},
		{"internal/server/api", m + "internal/routing", ""},
		{"internal/routing", m + "internal/server", "stands higher"},
		{"internal/routing", m + "internal/testkit", "for tests"},
		{"internal/routing", "github.com/jmoiron/sqlx", "only [internal/store cmd]"},
		{"cmd/kyso", m + "internal/store", ""},
		{"cmd/kyso", m + "internal/config", ""},
		{"internal/testkit/db", m + "internal/store", ""},
		{"internal/core", "fmt", "no place in the map"},
		{"internal/routing", m + "internal/core", "no place in the map"},
		{"internal/auth", m + "internal/authority", "no place in the map"},
	} {
		t.Run(strings.ReplaceAll(c.name+" "+strings.TrimPrefix(c.imports, m), "/", "."), func(t *testing.T) {
			t.Parallel()
			got := strings.Join(check([]pkg{{c.name, []string{c.imports}}}), "; ")
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestEveryFileCountsButTestsAndNestedModules(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"a/a.go":            "package a\nimport \"fmt\"\n",
		"a/windows.go":      "//go:build windows\n\npackage a\nimport \"os\"\n",
		"a/a_test.go":       "package a\nimport \"testing\"\n",
		"a/testdata/x.go":   "package x\nimport \"not/seen\"\n",
		"b/go.mod":          "module b\n",
		"b/b.go":            "package b\n",
		"var/demo/x.go":     "package x\n",
		".cache/x.go":       "package x\n",
		"empty/of/go/x.txt": "",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packages, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) != 1 || packages[0].name != "a" || !slices.Equal(packages[0].imports, []string{"fmt", "os"}) {
		t.Errorf("got %v", packages)
	}
}
