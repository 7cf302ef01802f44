package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Refusals of keys.
const (
	// ErrKeyKind: a kind of key or a curve that the profile doesn't take.
	ErrKeyKind pki.Code = "key_kind"
	// ErrKeySize: an RSA modulus that is too short or too long.
	ErrKeySize pki.Code = "key_size"
	// ErrKeyExponent: an RSA exponent other than 65537.
	ErrKeyExponent pki.Code = "key_exponent"
	// ErrKeyPoint: a point that isn't on its curve.
	ErrKeyPoint pki.Code = "key_point"
	// ErrKeySmallFactor: an RSA modulus that is even or has a small factor.
	ErrKeySmallFactor pki.Code = "key_small_factor"
	// ErrKeyROCA: an RSA modulus of the form of CVE-2017-15361.
	ErrKeyROCA pki.Code = "key_roca"
	// ErrKeyClosePrimes: an RSA modulus that Fermat's method factors.
	ErrKeyClosePrimes pki.Code = "key_close_primes"
)

// rsaExponent is the only one accepted.
const rsaExponent = 65537

// CheckKey refuses a subject key that the rules don't take or that is known to
// be weak, each with its own code. It can't know keys that were compromised or
// belong to someone else: that takes the caller's records.
func CheckKey(public crypto.PublicKey, rules profile.KeyRules) error {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == nil || !slices.Contains(rules.Curves, key.Curve.Params().Name) {
			return &pki.Error{Code: ErrKeyKind, Detail: "curve not taken by the profile"}
		}
		// ECDH checks that the point is on the curve and not at infinity. NIST
		// curves have cofactor 1, so no subgroup is left to check.
		if key.X == nil || key.Y == nil { //nolint:staticcheck // ECDH panics on a key without a point
			return &pki.Error{Code: ErrKeyPoint}
		}
		if _, err := key.ECDH(); err != nil {
			return &pki.Error{Code: ErrKeyPoint, Err: err}
		}
		return nil
	case *rsa.PublicKey:
		if rules.RSA.Max == 0 {
			return &pki.Error{Code: ErrKeyKind, Detail: "RSA not taken by the profile"}
		}
		return checkRSA(key, rules.RSA.Min, rules.RSA.Max)
	}
	return &pki.Error{Code: ErrKeyKind, Detail: "want ECDSA or RSA"}
}

func checkRSA(key *rsa.PublicKey, lowest, highest int) error {
	if key.N == nil || key.N.Sign() <= 0 || key.N.BitLen() < lowest || key.N.BitLen() > highest || key.N.BitLen()%8 != 0 {
		return &pki.Error{Code: ErrKeySize}
	}
	if key.E != rsaExponent {
		return &pki.Error{Code: ErrKeyExponent, Detail: "want 65537"}
	}
	residues := smallResidues(key.N)
	if slices.Contains(residues, 0) {
		return &pki.Error{Code: ErrKeySmallFactor}
	}
	if isROCA(residues) {
		return &pki.Error{Code: ErrKeyROCA}
	}
	if closePrimes(key.N) {
		return &pki.Error{Code: ErrKeyClosePrimes}
	}
	return nil
}

// smallPrimeLimit bounds the trial division.
const smallPrimeLimit = 1 << 12

// smallResidues returns n modulo each prime below smallPrimeLimit, in order.
func smallResidues(n *big.Int) []uint32 {
	// Several primes go into one division by a word.
	var out []uint32
	var batch []uint32
	product := uint64(1)
	mod := new(big.Int)
	flush := func() {
		r := mod.Mod(n, new(big.Int).SetUint64(product)).Uint64()
		for _, p := range batch {
			out = append(out, uint32(r%uint64(p)))
		}
		batch, product = batch[:0], 1
	}
	for _, p := range smallPrimes() {
		if product > (1<<63)/uint64(p) {
			flush()
		}
		batch, product = append(batch, p), product*uint64(p)
	}
	flush()
	return out
}

// smallPrimes returns the primes below smallPrimeLimit (Eratosthenes).
func smallPrimes() []uint32 {
	var composite [smallPrimeLimit]bool
	var primes []uint32
	for p := uint32(2); p < smallPrimeLimit; p++ {
		if composite[p] {
			continue
		}
		primes = append(primes, p)
		for m := p * p; m < smallPrimeLimit; m += p {
			composite[m] = true
		}
	}
	return primes
}

// rocaPrimes is how many primes, from 3 on, the fingerprint looks at: to 167,
// which divide the constant of every key size concerned.
const rocaPrimes = 38

// isROCA is the fingerprint of Nemec, Sys, Svenda, Klinec and Matyas, "The
// Return of Coppersmith's Attack", Section 3: the moduli of the broken library
// are powers of 65537 modulo each small prime. A sound key passes for one with
// a chance of about 2^-27.
func isROCA(residues []uint32) bool {
	for i, p := range smallPrimes()[1 : 1+rocaPrimes] {
		want, power, found := residues[i+1], uint32(1), false
		for range p {
			if power == want {
				found = true
				break
			}
			power = power * (rsaExponent % p) % p
		}
		if !found {
			return false
		}
	}
	return true
}

// closePrimes tells whether Fermat's method factors n within 100 steps: whether
// its primes agree in about their leading half.
func closePrimes(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	b2, root := new(big.Int), new(big.Int)
	for range 100 {
		b2.Sub(b2.Mul(a, a), n)
		if b2.Sign() >= 0 && root.Mul(root.Sqrt(b2), root).Cmp(b2) == 0 {
			return true
		}
		a.Add(a, big.NewInt(1))
	}
	return false
}

// SubjectKeyID returns the leftmost 160 bits of the SHA-256 of the
// subjectPublicKey (RFC 7093, Section 2, method 1).
func SubjectKeyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, &pki.Error{Code: ErrKeyKind, Err: err}
	}
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, &pki.Error{Code: ErrKeyKind, Err: err}
	}
	sum := sha256.Sum256(info.Key.Bytes)
	return sum[:20], nil
}
