package validate

import (
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// subFilters that are judged; anything else is no signature we can vouch for.
var subFilters = []pdf.Name{"ETSI.CAdES.detached", "adbe.pkcs7.detached", "ETSI.RFC3161"}

// checkFormat judges the signature dictionary and what it covers. What is wrong stands in
// the report; the error is about the file.
func (c *candidate) checkFormat() error {
	c.locate()
	if !c.checkDictionary() || !c.checkContents() || !c.checkByteRange() {
		return nil
	}
	if !c.checkCoverage() {
		return nil
	}
	if err := c.checkSignedView(); err != nil {
		return err
	}
	return c.readReferences()
}

// checkDictionary judges the keys of the signature dictionary (ISO 32000-1, Table 252;
// EN 319 142-1, Section 6.3).
func (c *candidate) checkDictionary() bool {
	bad := func(code string) bool {
		c.sig.judge(Failed, FormatFailure, code)
		return false
	}
	if c.dict == nil {
		return bad("signature_not_dictionary")
	}
	if len(c.dict.Duplicates()) > 0 {
		return bad("duplicate_keys")
	}
	c.readClaims()
	sub, isName := c.dict.Get("SubFilter").(pdf.Name)
	if !isName || !slices.Contains(subFilters, sub) {
		return bad("subfilter_unknown")
	}
	typ := c.dict.Get("Type")
	c.timestamp = sub == "ETSI.RFC3161"
	if filter := c.dict.Get("Filter"); filter != nil || !c.timestamp { // some time-stampers leave it out
		if _, ok := filter.(pdf.Name); !ok {
			return bad("filter_missing")
		}
	}
	switch {
	case typ == nil && !c.timestamp:
	case typ == pdf.Object(pdf.Name("Sig")) && !c.timestamp:
	case typ == pdf.Object(pdf.Name("DocTimeStamp")) && c.timestamp:
	default:
		return bad("type_mismatch")
	}
	if c.timestamp {
		c.sig.Type = DocTimestamp
	}
	if c.field.Type != "Sig" {
		return bad("field_not_signature")
	}
	return true
}

// readClaims copies what the signer says of himself.
func (c *candidate) readClaims() {
	text := func(key pdf.Name) string {
		s, _ := c.dict.Get(key).(pdf.String)
		return pdf.Text(s)
	}
	c.sig.SubFilter = string(c.dict.Name("SubFilter"))
	c.sig.StatedReason, c.sig.StatedLocation = text("Reason"), text("Location")
	if s, ok := c.dict.Get("M").(pdf.String); ok {
		if t, err := pdf.ParseDate(s); err == nil {
			c.sig.ClaimedTime = &t
		}
	}
}

// locate notes where the field is shown.
func (c *candidate) locate() {
	if len(c.field.Widgets) == 0 {
		return
	}
	w := c.field.Widgets[0]
	if rect, ok, err := pdf.RectAt(c.view, w.Dict.Get("Rect")); err == nil && ok {
		c.sig.Rect = rect
	}
}

// checkSignedView demands that the dictionary belongs to the very revision that it signs:
// the field must hold it there, at the same place in the file.
func (c *candidate) checkSignedView() error {
	view := c.v.r.At(c.revision)
	fields, err := pdf.Fields(view)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(fields, func(f *pdf.Field) bool { return f.Ref == c.field.Ref && f.Name == c.field.Name })
	if i < 0 {
		c.sig.judge(Failed, FormatFailure, "not_in_signed_revision")
		return nil
	}
	was, ok, err := c.v.candidateOf(view, fields[i])
	if err != nil {
		return err
	}
	if !ok || was.dict == nil || was.ind.Offset != c.ind.Offset || was.dict.Span != c.dict.Span || c.ind.Offset < 0 {
		c.sig.judge(Failed, FormatFailure, "not_in_signed_revision")
	}
	return nil
}
