package hsm_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/hsm"
)

func TestURIOfAToolIsRead(t *testing.T) {
	t.Parallel()
	got, err := hsm.ParseURI("pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=9956b4df35276e04;token=UBND%20H%C3%A0%20N%E1%BB%99i;id=%01%FF;object=leader;type=private?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin")
	if err != nil {
		t.Fatal(err)
	}
	want := hsm.URI{Token: "UBND Hà Nội", Serial: "9956b4df35276e04", Model: "SoftHSM v2", Maker: "SoftHSM project",
		Object: "leader", ID: []byte{1, 0xFF}, ModulePath: "/usr/lib/softhsm/libsofthsm2.so", PINFile: "/run/pin"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestURIRefusals(t *testing.T) {
	t.Parallel()
	for name, uri := range map[string]string{
		"other scheme":       "file:/tmp/key.pem",
		"no scheme":          "token=a",
		"PIN in the URI":     "pkcs11:token=a?pin-value=12345678",
		"PIN from a command": "pkcs11:token=a?pin-source=%7C/bin/cat",
		"PIN from elsewhere": "pkcs11:token=a?pin-source=file://host/pin",
		"relative module":    "pkcs11:token=a?module-path=lib.so",
		"twice":              "pkcs11:token=a;token=b",
		"empty value":        "pkcs11:token=",
		"no value":           "pkcs11:token",
		"bad percent":        "pkcs11:token=%zz",
		"unknown":            "pkcs11:tokn=a",
		"unknown query":      "pkcs11:token=a?pin=1",
		"public key":         "pkcs11:type=public",
		"zero byte":          "pkcs11:token=a%00",
		"too long":           "pkcs11:token=" + strings.Repeat("a", 5000),
	} {
		_, err := hsm.ParseURI(uri)
		if !errors.Is(err, hsm.ErrURIInvalid) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "12345678") {
			t.Errorf("%s: the error repeats the PIN: %v", name, err)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("pkcs11:token=a;object=b;id=%00%01?module-path=/m.so&pin-source=file:/p")
	f.Add("PKCS11:")
	f.Add("pkcs11:serial=%26%3D%3B%3F?pin-source=file:///run/a%26b")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := hsm.ParseURI(s)
		if err != nil {
			if !errors.Is(err, hsm.ErrURIInvalid) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		back, err := hsm.ParseURI(u.String())
		if err != nil {
			t.Fatalf("%q: %v", u.String(), err)
		}
		if !reflect.DeepEqual(u, back) {
			t.Fatalf("%q: %+v is not %+v", s, back, u)
		}
	})
}

func TestPINFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content, pin string
	}{
		"plain":   {"12345678", "12345678"},
		"newline": {"12345678\n", "12345678"},
		"windows": {"12345678\r\nmore", "12345678"},
		"empty":   {"", ""},
		"long":    {strings.Repeat("1", 300), ""},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		pin, err := hsm.ReadPIN(path)
		if pin != c.pin || (c.pin == "") != (hsm.CodeOf(err) == hsm.CodePINMissing) {
			t.Errorf("%s: %q, %v", name, pin, err)
		}
	}
	if _, err := hsm.ReadPIN(filepath.Join(dir, "none")); hsm.CodeOf(err) != hsm.CodePINMissing {
		t.Errorf("missing file: %v", err)
	}
}

func TestErrorsAreToldApartByCode(t *testing.T) {
	t.Parallel()
	err := error(&hsm.Error{Code: hsm.CodeKeyNotFound, Op: "find key", Subject: "root"})
	if !errors.Is(err, hsm.ErrKeyNotFound) || errors.Is(err, hsm.ErrKeyExists) {
		t.Errorf("%v is matched wrongly", err)
	}
	if got := err.Error(); got != "find key root: hsm_key_not_found" {
		t.Errorf("text is %q", got)
	}
}
