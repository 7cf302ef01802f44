package keyring

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/kyso-vn/kyso/hsm"
)

// Sizes of an activation code.
const (
	codeBytes   = 10 // 80 random bits
	codeSymbols = 16 // five bits each
	maxCodeText = 64 // what a person may type, with spaces and dashes
)

// crockford is base32 without I, L, O and U, which people misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// misread maps letters to the digits they are taken for.
var misread = strings.NewReplacer("O", "0", "I", "1", "L", "1", " ", "", "-", "", "\t", "")

// NewCode draws an activation code: 80 random bits as 7K2M-0XQR-....-.... in
// Crockford's base32.
func NewCode() string {
	var b [codeBytes]byte
	rand.Read(b[:]) // never fails
	s := crockford.EncodeToString(b[:])
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// ParseCode reads what a person typed: either case, spaces and dashes anywhere,
// O for 0, I and L for 1. It gives the 16 symbols without dashes, or
// [ErrCodeMalformed].
func ParseCode(text string) (string, error) {
	if len(text) > maxCodeText {
		return "", malformed("too long")
	}
	s := misread.Replace(strings.ToUpper(text))
	if len(s) != codeSymbols {
		return "", malformed("not 16 letters and digits")
	}
	if _, err := crockford.DecodeString(s); err != nil {
		return "", malformed("holds a symbol that codes do not have")
	}
	return s, nil
}

func malformed(why string) error {
	return &hsm.Error{Code: codeMalformed, Op: "read activation code", Err: errors.New(why)}
}

// CheckPIN refuses, with [ErrWeakPIN], what is not 8 to 32 digits, has fewer
// than three different ones, counts up or down, or repeats a group of up to
// four.
func CheckPIN(pin string) error {
	weak := func(why string) error {
		return &hsm.Error{Code: codeWeakPIN, Op: "check PIN", Err: errors.New(why)}
	}
	if len(pin) < 8 || len(pin) > 32 {
		return weak("not 8 to 32 digits")
	}
	different := map[byte]bool{}
	steps := map[byte]bool{}
	for i := range len(pin) {
		if pin[i] < '0' || pin[i] > '9' {
			return weak("not only digits")
		}
		different[pin[i]] = true
		if i > 0 {
			steps[(pin[i]-pin[i-1]+10)%10] = true
		}
	}
	if len(different) < 3 || len(steps) < 2 {
		return weak("too few different digits, or a simple sequence")
	}
	for period := 1; period <= 4; period++ {
		if pin[period:] == pin[:len(pin)-period] {
			return weak("a group that repeats")
		}
	}
	return nil
}
