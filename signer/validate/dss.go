package validate

import (
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// readDSS reads the document security store of the last revision (EN 319 142-1, Section
// 5.4.2); nil when there is none. Entries that can't be read prove nothing and are left out.
func (v *verifier) readDSS() (*material, error) { return v.dssOf(v.last) }

func (v *verifier) dssOf(view *pdf.View) (*material, error) {
	cat, err := pdf.Catalog(view)
	if err != nil {
		return nil, err
	}
	d, err := pdf.DictAt(view, cat.Get("DSS"))
	if err != nil || d == nil {
		return nil, err
	}
	m := &material{}
	b := &storeReader{view: view, budget: maxMaterialBytes}
	for _, der := range b.list(d.Get("Certs")) {
		if c := parseCertificate(der); c != nil {
			m.Certificates = append(m.Certificates, c)
		}
	}
	m.CRLs, m.OCSPs = b.list(d.Get("CRLs")), b.list(d.Get("OCSPs"))
	return m, v.ctx.Err()
}

// storeReader reads arrays of streams within a budget.
type storeReader struct {
	view   *pdf.View
	budget int64
	count  int
}

func (b *storeReader) list(o pdf.Object) [][]byte {
	a, err := pdf.ArrayAt(b.view, o)
	if err != nil {
		return nil
	}
	var out [][]byte
	for _, item := range a {
		if b.count++; b.count > maxMaterial {
			break
		}
		value, err := b.view.Resolve(item)
		if err != nil {
			continue
		}
		st, ok := value.(*pdf.Stream)
		if !ok {
			continue
		}
		data, err := b.view.StreamData(st, b.budget)
		if err != nil {
			continue
		}
		b.budget -= int64(len(data))
		out = append(out, data)
	}
	return out
}

// doubtful reasons of a revocation mean that somebody else may have had the key before.
func doubtful(r pki.Reason) bool {
	switch r {
	case pki.AffiliationChanged, pki.Superseded, pki.CessationOfOperation, pki.CertificateHold, pki.PrivilegeWithdrawn:
		return false
	}
	return true
}
