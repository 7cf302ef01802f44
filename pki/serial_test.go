package pki_test

import (
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"github.com/kyso-vn/kyso/pki"
)

func TestFiveThousandSerialsAreUniqueAndTheirBitsEven(t *testing.T) {
	t.Parallel()
	const n = 5000
	seen := map[pki.Serial]bool{}
	var ones [8 * pki.SerialBytes]int
	shards := make([]int, pki.DefaultShards)
	for range n {
		s, err := pki.NewSerial(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		b := s.Bytes()
		if len(b) != pki.SerialBytes || b[0] > 0x7f || s.Big().Sign() <= 0 || seen[s] {
			t.Fatalf("%s", s)
		}
		seen[s] = true
		shards[s.Shard(pki.DefaultShards)]++
		for i := range ones {
			ones[i] += int(b[i/8]>>(7-i%8)) & 1
		}
	}
	if ones[0] != 0 {
		t.Error("a negative number")
	}
	// Five standard deviations are 177: once in more than ten thousand runs over
	// 127 bits. The first octet's bits lean to 64/127, by 20 in 5,000.
	for i, count := range ones[1:] {
		if count < n/2-200 || count > n/2+200 {
			t.Errorf("bit %d is set in %d of %d", i+1, count, n)
		}
	}
	for i, count := range shards { // 39 expected, standard deviation 6.2
		if count < 5 || count > 85 {
			t.Errorf("shard %d has %d of %d", i, count, n)
		}
	}
}

func TestSerialReturnsFromTextAndNumber(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"01", "7f", "00ff", "80", "7fffffffffffffffffffffffffffffffffffffff"} {
		s, err := pki.ParseSerial(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := pki.SerialFromBig(s.Big())
		if err != nil || again != s {
			t.Errorf("%s: %v, %v", text, again, err)
		}
		var u pki.Serial
		if err := u.UnmarshalText([]byte(s.String())); err != nil || u != s {
			t.Errorf("%s: %v, %v", text, u, err)
		}
	}
	for _, text := range []string{"", "0", "00", "zz", "-1", "ffffffffffffffffffffffffffffffffffffffff", "010000000000000000000000000000000000000000"} {
		if s, err := pki.ParseSerial(text); !errors.Is(err, pki.ErrSerial) {
			t.Errorf("%q became %s, %v", text, s, err)
		}
	}
	for _, n := range []*big.Int{nil, big.NewInt(0), big.NewInt(-5), new(big.Int).Lsh(big.NewInt(1), 159)} {
		if _, err := pki.SerialFromBig(n); !errors.Is(err, pki.ErrSerial) {
			t.Errorf("%v: %v", n, err)
		}
	}
}

func TestShardNeverChanges(t *testing.T) {
	t.Parallel()
	s, err := pki.ParseSerial("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 0, 2: 1, 128: 0x6f, 65536: 0xcdef} {
		if got := s.Shard(n); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
}

func TestReasonsReturnFromText(t *testing.T) {
	t.Parallel()
	known := 0
	for n := range 256 {
		r := pki.Reason(n)
		text, err := r.MarshalText()
		if (err == nil) != r.Valid() {
			t.Errorf("%d: %v", n, err)
		}
		if err != nil {
			continue
		}
		known++
		if back, err := pki.ParseReason(string(text)); err != nil || back != r {
			t.Errorf("%d: %v, %v", n, back, err)
		}
	}
	if known != 10 {
		t.Errorf("%d reasons, want the 10 of RFC 5280", known)
	}
	if pki.RemoveFromCRL.Revokes() || pki.CertificateHold.Final() || !pki.KeyCompromise.Final() || pki.Reason(7).Valid() {
		t.Error("a reason that is what it must not be")
	}
}

func TestAddressesAreOneSpellingOnly(t *testing.T) {
	t.Parallel()
	for _, a := range []pki.Addresses{
		{"", "a"}, {"https://x.vn", "a"}, {"http://x.vn/", "a"}, {"http://u@x.vn", "a"}, {"http://x.vn?q", "a"},
		{"http://x.vn", ""}, {"http://x.vn", "A"}, {"http://x.vn", "a/b"}, {"http://x.vn/a b", "a"}, {"http://x.vn#", "a"},
	} {
		if err := a.Check(); !errors.Is(err, pki.ErrAddress) {
			t.Errorf("%v: %v", a, err)
		}
	}
	a := pki.Addresses{Base: "http://pki.example.vn:8080/p", CA: "ca-1"}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	s, err := pki.ParseSerial("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.CRLFor(s, 128); got != "http://pki.example.vn:8080/p/crl/ca-1/111.crl" {
		t.Error(got)
	}
	if got := a.CRLFor(s, 0); got != "http://pki.example.vn:8080/p/crl/ca-1.crl" {
		t.Error(got)
	}
}
