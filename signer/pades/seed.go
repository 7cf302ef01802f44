package pades

import (
	"slices"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Flags of a seed value dictionary (ISO 32000-1, Table 234): which entries are required.
const (
	seedFilter = 1 << iota
	seedSubFilter
	seedV
	seedReasons
	seedLegal
	seedRevInfo
	seedDigest
)

// obey applies the field's seed values and returns the lock that the signature carries. A
// required seed value that can't be met is refused.
func (d *dress) obey(f *pdf.Field) (*fieldLock, error) {
	var lock *fieldLock
	if f != nil {
		sv, err := pdf.DictAt(d.u, f.Dict.Get("SV"))
		if err != nil {
			return nil, err
		}
		if sv != nil {
			if err := d.seed(sv); err != nil {
				return nil, err
			}
		}
		if lock, err = fieldLockOf(d.u, f); err != nil {
			return nil, err
		}
	}
	if d.o.LockAll {
		lock = &fieldLock{action: "All"}
	}
	return lock, nil
}

func (d *dress) seed(sv *pdf.Dict) error {
	flags, _ := sv.Int("Ff")
	required := func(bit int64) bool { return flags&bit != 0 }
	deny := func(what string) error {
		return refuse(signer.CodeSeedValue, "the field requires %s, which this signature does not have", what)
	}
	if required(seedFilter) && sv.Has("Filter") && sv.Name("Filter") != "Adobe.PPKLite" {
		return deny("another filter")
	}
	for key, want := range map[pdf.Name]struct {
		bit   int64
		value pdf.Name
	}{"SubFilter": {seedSubFilter, "ETSI.CAdES.detached"}, "DigestMethod": {seedDigest, digestName(d.hash)}} {
		ok, err := d.lists(sv, key, string(want.value))
		if err != nil {
			return err
		}
		if required(want.bit) && !ok {
			return deny("another " + string(key))
		}
	}
	ok, err := d.lists(sv, "Reasons", d.o.Reason)
	if err != nil {
		return err
	}
	if required(seedReasons) && !ok {
		return deny("a reason of its list")
	}
	if required(seedLegal) && sv.Has("LegalAttestation") {
		return deny("a legal attestation")
	}
	return d.seedRest(sv, deny)
}

// seedRest obeys the entries that have no flag in Ff.
func (d *dress) seedRest(sv *pdf.Dict, deny func(string) error) error {
	mdp, err := pdf.DictAt(d.u, sv.Get("MDP"))
	if err != nil {
		return err
	}
	if mdp != nil {
		if p, ok := mdp.Int("P"); ok && p != int64(d.o.Certify) {
			return deny("a certification")
		}
	}
	for key, what := range map[pdf.Name]string{"Cert": "a certificate of its choice", "TimeStamp": "a time-stamp of its choice"} {
		sub, err := pdf.DictAt(d.u, sv.Get(key))
		if err != nil {
			return err
		}
		if sub == nil {
			continue
		}
		if f, ok := sub.Int("Ff"); ok && f != 0 {
			return deny(what)
		}
	}
	return nil
}

// lists reports whether the array under key holds value; a missing array holds everything.
func (d *dress) lists(sv *pdf.Dict, key pdf.Name, value string) (bool, error) {
	if !sv.Has(key) {
		return true, nil
	}
	a, err := pdf.ArrayAt(d.u, sv.Get(key))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(a, func(o pdf.Object) bool {
		o, err := d.u.Resolve(o)
		if err != nil {
			return false
		}
		switch v := o.(type) {
		case pdf.Name:
			return string(v) == value
		case pdf.String:
			return pdf.Text(v) == value
		}
		return false
	}), nil
}
