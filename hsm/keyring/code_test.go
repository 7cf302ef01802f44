package keyring_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/hsm/keyring"
)

func TestCodeIsReadAsPeopleTypeIt(t *testing.T) {
	t.Parallel()
	const want = "0123456789ABCDEF"
	for _, typed := range []string{"0123-4567-89AB-CDEF", "0123 4567 89ab cdef", "oI23456789abcdef", "  OL2-3456789ABCDEF\t"} {
		got, err := keyring.ParseCode(typed)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", "0123-4567-89AB", "0123-4567-89AB-CDEU", "0123-4567-89AB-CDE!", strings.Repeat("0", 17), strings.Repeat("-", 99)} {
		if _, err := keyring.ParseCode(typed); !errors.Is(err, keyring.ErrCodeMalformed) {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestNewCodesDifferAndAreReadable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		code := keyring.NewCode()
		if len(code) != 19 || strings.Count(code, "-") != 3 || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		if back, err := keyring.ParseCode(code); err != nil || back != strings.ReplaceAll(code, "-", "") {
			t.Fatalf("%q: %q, %v", code, back, err)
		}
	}
}

func TestWeakPINsAreRefused(t *testing.T) {
	t.Parallel()
	for _, pin := range []string{"", "1234567", "12345678", "87654321", "00000000", "12121212", "11112222", "12341234", "123123123",
		"1357913579", "4815162a", "４８１５１６２３", strings.Repeat("48151623", 5)} {
		if err := keyring.CheckPIN(pin); !errors.Is(err, keyring.ErrWeakPIN) {
			t.Errorf("%q: %v", pin, err)
		}
	}
	for _, pin := range []string{pinA, pinB, "20150907", "481516234299"} {
		if err := keyring.CheckPIN(pin); err != nil {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestPartsAreJoinedUnambiguously(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for name, b := range map[string][]byte{
		"ab|c":  keyring.Encode("p", []byte("ab"), []byte("c")),
		"a|bc":  keyring.Encode("p", []byte("a"), []byte("bc")),
		"abc":   keyring.Encode("p", []byte("abc")),
		"abc|":  keyring.Encode("p", []byte("abc"), nil),
		"|abc":  keyring.Encode("p", nil, []byte("abc")),
		"pa|bc": keyring.Encode("pa", []byte("bc")),
	} {
		if other, ok := seen[string(b)]; ok {
			t.Errorf("%s and %s give the same bytes", name, other)
		}
		seen[string(b)] = name
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("0123-4567-89AB-CDEF")
	f.Add("oil oil oil oil!")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := keyring.ParseCode(text)
		if err != nil {
			if !errors.Is(err, keyring.ErrCodeMalformed) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		again, err := keyring.ParseCode(code[:4] + "-" + strings.ToLower(code[4:]))
		if err != nil || again != code {
			t.Fatalf("%q gives %q, then %q, %v", text, code, again, err)
		}
	})
}
