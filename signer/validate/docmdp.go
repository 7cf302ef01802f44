package validate

import (
	"slices"
	"strings"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// permissions is what a signature allows to be changed behind it.
type permissions struct {
	certifies bool
	level     int // DocMDP permission 1 to 3; 0 when there is none
	locks     []fieldLock
}

// fieldLock is a FieldMDP transform (ISO 32000-1, Table 256).
type fieldLock struct {
	action pdf.Name
	fields []string
}

// covers reports whether the lock holds for a field; a name covers the fields below it. An
// action that nobody knows locks everything.
func (l fieldLock) covers(name string) bool {
	listed := slices.ContainsFunc(l.fields, func(f string) bool { return f == name || strings.HasPrefix(name, f+".") })
	switch l.action {
	case "Include":
		return listed
	case "Exclude":
		return !listed
	}
	return true
}

// locked reports whether any lock holds for a field.
func (p permissions) locked(name string) bool {
	return slices.ContainsFunc(p.locks, func(l fieldLock) bool { return l.covers(name) })
}

// readReferences reads the transforms of the signature (ISO 32000-1, Section 12.8.2) as they
// were signed, and the permission in the field's Lock (ISO 32000-2, Table 237).
func (c *candidate) readReferences() error {
	view := c.v.r.At(c.revision)
	refs, err := pdf.ArrayAt(view, c.dict.Get("Reference"))
	if err != nil {
		return err
	}
	for _, o := range refs {
		d, err := pdf.DictAt(view, o)
		if err != nil {
			return err
		}
		if d == nil {
			continue
		}
		if err := c.readTransform(view, d); err != nil {
			return err
		}
	}
	lock, err := pdf.DictAt(view, c.field.Dict.Get("Lock"))
	if err != nil {
		return err
	}
	if lock != nil {
		if p, ok := lock.Int("P"); ok && p >= 1 && p <= 3 {
			c.rules.restrict(int(p))
		}
	}
	return nil
}

func (p *permissions) restrict(level int) {
	if p.level == 0 || level < p.level {
		p.level = level
	}
}

func (c *candidate) readTransform(view *pdf.View, ref *pdf.Dict) error {
	method, err := view.Resolve(ref.Get("TransformMethod"))
	if err != nil {
		return err
	}
	params, err := pdf.DictAt(view, ref.Get("TransformParams"))
	if err != nil {
		return err
	}
	switch method {
	case pdf.Object(pdf.Name("DocMDP")):
		p := int64(2) // the default, Table 254
		if params != nil && params.Has("P") {
			var ok bool
			if p, ok = params.Int("P"); !ok || p < 1 || p > 3 {
				p = 1
			}
		}
		if c.rules.certifies {
			c.sig.judge(Failed, FormatFailure, "docmdp_twice")
		}
		c.rules.certifies = true
		c.rules.restrict(int(p))
		c.sig.Certify = int(p)
		if !c.timestamp {
			c.sig.Type = Certification
		}
	case pdf.Object(pdf.Name("FieldMDP")):
		return c.readLock(view, params)
	}
	return nil
}

// readLock reads Action and Fields; what is missing or malformed locks everything.
func (c *candidate) readLock(view *pdf.View, params *pdf.Dict) error {
	l := fieldLock{action: "All"}
	if params != nil {
		action, err := view.Resolve(params.Get("Action"))
		if err != nil {
			return err
		}
		if n, ok := action.(pdf.Name); ok {
			l.action = n
		}
		names, err := pdf.ArrayAt(view, params.Get("Fields"))
		if err != nil {
			return err
		}
		for _, n := range names {
			s, err := view.Resolve(n)
			if err != nil {
				return err
			}
			if s, ok := s.(pdf.String); ok {
				l.fields = append(l.fields, pdf.Text(s))
			}
		}
		if p, ok := params.Int("P"); ok && p >= 1 && p <= 3 {
			c.rules.restrict(int(p))
		}
	}
	c.rules.locks = append(c.rules.locks, l)
	return nil
}

// checkCertification demands that a certification is the document's first signature, that
// it is the only one, and that Perms points to it (ISO 32000-1, Section 12.8.2.2).
func (v *verifier) checkCertification() error {
	first := true
	for _, c := range v.found {
		if c.revision < 0 {
			continue
		}
		if c.rules.certifies {
			if !first && !c.timestamp {
				c.sig.DocMDPOK = false
				c.sig.judge(Failed, FormatFailure, "docmdp_not_first")
			}
			if err := c.checkPerms(); err != nil {
				return err
			}
		}
		if !c.timestamp {
			first = false
		}
	}
	return nil
}

// checkPerms compares the entry of the catalog, as it was signed, with the signature.
func (c *candidate) checkPerms() error {
	view := c.v.r.At(c.revision)
	cat, err := pdf.Catalog(view)
	if err != nil {
		return err
	}
	perms, err := pdf.DictAt(view, cat.Get("Perms"))
	if err != nil {
		return err
	}
	if perms == nil || !perms.Has("DocMDP") {
		c.sig.DocMDPOK = false
		c.sig.judge(Indeterminate, SigConstraints, "docmdp_perms")
		return nil
	}
	ref, _ := perms.Get("DocMDP").(pdf.Ref)
	if _, ind, err := follow(view, ref); err != nil || ind.Offset != c.ind.Offset {
		c.sig.DocMDPOK = false
		c.sig.judge(Failed, FormatFailure, "docmdp_perms")
	}
	return nil
}
