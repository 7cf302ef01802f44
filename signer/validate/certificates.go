package validate

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/kyso-vn/kyso/pki/cms"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// checkCertificates looks at the certificates that came along and are on no path: nothing
// signs the set, so somebody may have altered one. Strangers may be there; forgeries of what
// is known may not.
func (c *candidate) checkCertificates(sd *cms.SignedData, chain *chainResult) {
	if certificateCount(sd.Raw) != len(sd.Certificates) && !c.old() {
		c.sig.judge(Indeterminate, SigConstraints, "certificate_unreadable")
	}
	var path []*x509.Certificate
	if chain != nil && chain.Result != nil {
		path = chain.Chain
	}
	var known []*x509.Certificate
	for _, cert := range sd.Certificates {
		if slices.ContainsFunc(path, cert.Equal) {
			continue
		}
		if known == nil {
			known = slices.Concat(path, sd.Certificates, c.v.evidence(nil).Certificates)
			for _, list := range c.v.o.Anchors {
				known = append(known, list.Certificates...)
			}
		}
		if altered(cert, known) {
			c.sig.judge(Failed, FormatFailure, "certificate_altered")
			return
		}
	}
}

// certificateCount counts all elements of the set of certificates, also those that are none.
//
//	SignedData ::= SEQUENCE { version, digestAlgorithms, encapContentInfo, certificates [0] ... }
func certificateCount(der []byte) int {
	in := cryptobyte.String(der)
	var info, explicit, data, certs cryptobyte.String
	explicitTag := cbasn1.Tag(0).Constructed().ContextSpecific()
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.OBJECT_IDENTIFIER) || !info.ReadASN1(&explicit, explicitTag) ||
		!explicit.ReadASN1(&data, cbasn1.SEQUENCE) || !data.SkipASN1(cbasn1.INTEGER) || !data.SkipASN1(cbasn1.SET) ||
		!data.SkipASN1(cbasn1.SEQUENCE) || !data.PeekASN1Tag(explicitTag) || !data.ReadASN1(&certs, explicitTag) {
		return 0
	}
	n := 0
	for ; !certs.Empty(); n++ {
		var tag cbasn1.Tag
		var one cryptobyte.String
		if !certs.ReadAnyASN1Element(&one, &tag) {
			return -1
		}
	}
	return n
}

// altered reports whether cert differs from a known one of the same number and key, or is
// not signed by any known certificate of the name it gives as its issuer.
func altered(cert *x509.Certificate, known []*x509.Certificate) bool {
	if cert.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		return false
	}
	tried := 0
	for _, k := range known {
		if !cert.Equal(k) && k.SerialNumber.Cmp(cert.SerialNumber) == 0 && bytes.Equal(k.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
			return true
		}
		if !bytes.Equal(k.RawSubject, cert.RawIssuer) || k.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm || tried >= 8 {
			continue
		}
		err := k.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
		var weak x509.InsecureAlgorithmError
		if err == nil || errors.As(err, &weak) {
			return false
		}
		tried++
	}
	return tried > 0
}
