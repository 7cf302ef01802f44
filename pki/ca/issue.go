package ca

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"github.com/kyso-vn/kyso/pki"
)

// Issue signs d with the CA's key and returns the certificate. A draft is taken
// once: whatever happens, a second call with it is ErrDraftUsed, also from
// another goroutine, since nobody can know whether a signer that failed has
// signed. Before the certificate is returned its signature is verified in
// software, and its TBSCertificate compared with the draft byte for byte
// (ErrMismatch). The lints have seen all of it but the signature value.
func (a *CA) Issue(ctx context.Context, d *Draft) (*x509.Certificate, error) {
	// 1. Once, and here.
	if d.ca != a {
		return nil, &pki.Error{Code: ErrDraftForeign}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !d.used.CompareAndSwap(false, true) {
		return nil, &pki.Error{Code: ErrDraftUsed}
	}
	// 2. Sign; Sign verifies.
	value, err := d.scheme.Sign(ctx, a.signer, d.tbs)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", d.serial, err)
	}
	der, err := asn1.Marshal(certificateParts{
		TBS:       asn1.RawValue{FullBytes: d.tbs},
		Algorithm: asn1.RawValue{FullBytes: d.scheme.Identifier},
		Value:     asn1.BitString{Bytes: value, BitLength: 8 * len(value)},
	})
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", d.serial, err)
	}
	// 3. Compare what was made with what was prepared.
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &pki.Error{Code: ErrMismatch, Detail: "can't be parsed", Err: err}
	}
	if !bytes.Equal(c.RawTBSCertificate, d.tbs) || c.SignatureAlgorithm != d.scheme.Algorithm {
		return nil, &pki.Error{Code: ErrMismatch}
	}
	return c, nil
}
