package pades

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"

	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Limits of what is read from a file's own DSS. What lies beyond is not used.
const (
	maxStoreBytes = 32 << 20 // decoded, in all
	maxStoreItems = 5000
)

// maxStored is up to what size a value is not compressed: certificates and OCSP answers are keys and signatures for the
// most part, long CRLs are not.
const maxStored = 8 << 10

// store is a document security store (ISO 32000-2, Section 12.8.4.3; EN 319 142-1, Section
// 5.4.2): the Catalog's DSS dictionary with arrays of streams.
//
//	DSS << /Certs [ref…] /CRLs [ref…] /OCSPs [ref…] /VRI << /<key> << /Cert [ref…] /CRL [ref…] /OCSP [ref…] >> … >> >>
type store struct {
	refs     map[[sha256.Size]byte]pdf.Ref // of each value that is there
	evidence path.Evidence
	dict     *pdf.Dict // nil when there is no DSS
}

// readStore reads a file's DSS. Certificates that can't be parsed are passed over.
func readStore(s pdf.Source) (*store, error) {
	st := &store{refs: map[[sha256.Size]byte]pdf.Ref{}}
	catalog, err := pdf.Catalog(s)
	if err != nil {
		return nil, err
	}
	if st.dict, err = pdf.DictAt(s, catalog.Get("DSS")); err != nil || st.dict == nil {
		return st, err
	}
	left, items := int64(maxStoreBytes), 0
	for _, key := range []pdf.Name{"Certs", "OCSPs", "CRLs"} {
		a, err := pdf.ArrayAt(s, st.dict.Get(key))
		if err != nil {
			return nil, err
		}
		for _, o := range a {
			if items++; items > maxStoreItems {
				break
			}
			data, err := st.stream(s, o, left)
			if err != nil || data == nil {
				continue // unreadable or too long: as if it were not there
			}
			left -= int64(len(data))
			st.take(key, data)
		}
	}
	return st, nil
}

// stream reads one value and remembers where it stands.
func (st *store) stream(s pdf.Source, o pdf.Object, limit int64) ([]byte, error) {
	v, err := s.Resolve(o)
	if err != nil {
		return nil, err
	}
	stream, ok := v.(*pdf.Stream)
	if !ok {
		return nil, nil
	}
	data, err := s.StreamData(stream, limit)
	if err != nil {
		return nil, err
	}
	if ref, ok := o.(pdf.Ref); ok {
		st.refs[sha256.Sum256(data)] = ref
	}
	return data, nil
}

func (st *store) take(key pdf.Name, data []byte) {
	var e path.Evidence
	switch key {
	case "Certs":
		c, err := x509.ParseCertificate(data)
		if err != nil {
			return
		}
		e.Certificates = []*x509.Certificate{c}
	case "OCSPs":
		e.OCSPs = [][]byte{data}
	case "CRLs":
		e.CRLs = [][]byte{data}
	}
	st.evidence.Merge(e)
}

// merge adds validation data to the DSS in an update. changed is false when all of it was
// there.
func (st *store) merge(u *pdf.Update, v *validationData) (changed bool, err error) {
	m := &merger{store: st, u: u}
	for _, key := range v.keys {
		if err := m.add(key, v.byKey[key]); err != nil {
			return false, err
		}
	}
	return m.dss != nil, nil
}

type merger struct {
	*store
	u   *pdf.Update
	dss *pdf.Editor // nil before the first change
}

// kinds are the arrays of the DSS and those of a VRI entry.
var kinds = [3]struct{ store, vri pdf.Name }{{"Certs", "Cert"}, {"OCSPs", "OCSP"}, {"CRLs", "CRL"}}

// add puts one signature's validation data into the store.
func (m *merger) add(key pdf.Name, e *path.Evidence) error {
	certs := make([][]byte, len(e.Certificates))
	for i, c := range e.Certificates {
		certs[i] = c.Raw
	}
	// 1. The streams.
	var entry [3]pdf.Array
	for i, values := range [3][][]byte{certs, e.OCSPs, e.CRLs} {
		for _, data := range values {
			ref, err := m.put(kinds[i].store, data)
			if err != nil {
				return err
			}
			entry[i] = append(entry[i], ref)
		}
	}
	// 2. Which of them belong to this signature.
	return m.note(key, entry)
}

// put returns the stream of a value, a new one when there is none yet.
func (m *merger) put(kind pdf.Name, data []byte) (pdf.Ref, error) {
	sum := sha256.Sum256(data)
	if ref, ok := m.refs[sum]; ok {
		return ref, nil
	}
	dss, err := m.edit()
	if err != nil {
		return pdf.Ref{}, err
	}
	add := m.u.AddStored
	if len(data) > maxStored {
		add = func(data []byte) (pdf.Ref, error) { return m.u.AddStream(pdf.Map{}, data) }
	}
	ref, err := add(data)
	if err != nil {
		return pdf.Ref{}, err
	}
	m.refs[sum] = ref
	return ref, dss.Append(kind, ref)
}

// note writes the VRI entry of a signature, or what it lacks.
func (m *merger) note(key pdf.Name, entry [3]pdf.Array) error {
	if m.dss == nil && m.noted(key) {
		return nil // nothing is new
	}
	dss, err := m.edit()
	if err != nil {
		return err
	}
	vri, err := dss.Sub("VRI")
	if err != nil {
		return err
	}
	own, err := vri.Sub(key)
	if err != nil {
		return err
	}
	for i, refs := range entry {
		there, err := own.Get(kinds[i].vri)
		if err != nil {
			return err
		}
		have, _ := there.(pdf.Array)
		refs = slices.DeleteFunc(refs, func(r pdf.Object) bool { return slices.Contains(have, r) })
		if len(refs) == 0 {
			continue
		}
		if err := own.Append(kinds[i].vri, refs...); err != nil {
			return err
		}
	}
	return nil
}

// noted reports whether the file's VRI has an entry of a signature.
func (m *merger) noted(key pdf.Name) bool {
	vri, err := pdf.DictAt(m.u, m.dict.Get("VRI"))
	return err == nil && vri != nil && vri.Has(key)
}

// edit edits the DSS, made as an object of its own when there is none.
func (m *merger) edit() (*pdf.Editor, error) {
	if m.dss != nil {
		return m.dss, nil
	}
	root, err := pdf.RootRef(m.u)
	if err != nil {
		return nil, err
	}
	catalog, err := m.u.Edit(root)
	if err != nil {
		return nil, err
	}
	if m.dict == nil {
		ref, err := m.u.Add(pdf.Map{"Type": pdf.Name("DSS")})
		if err != nil {
			return nil, err
		}
		if err := catalog.Set("DSS", ref); err != nil {
			return nil, err
		}
	}
	m.dss, err = catalog.Sub("DSS")
	return m.dss, err
}
