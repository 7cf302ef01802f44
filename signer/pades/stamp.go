package pades

import (
	"context"
	"crypto"
	"strconv"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// askStamp asks for a token over a SHA-256 digest and believes it only when it holds.
func askStamp(ctx context.Context, authority Timestamper, digest []byte) ([]byte, error) {
	der, err := authority.Timestamp(ctx, crypto.SHA256, digest)
	if err != nil {
		return nil, &signer.Error{ErrCode: signer.CodeTSAFailed, Message: "no time-stamp could be had", Err: err}
	}
	token, err := tsa.ParseToken(der, cms.Limits{})
	if err == nil {
		_, err = token.Verify(digest, tsa.VerifyOptions{})
	}
	if err != nil {
		return nil, &signer.Error{ErrCode: signer.CodeTSAFailed, Message: "the time-stamp does not hold", Err: err}
	}
	return der, nil
}

// stamp adds a document time-stamp (ISO 32000-2, Section 12.8.5) in a new, invisible field.
func (r *raiser) stamp(ctx context.Context) error {
	if r.o.TSA == nil {
		return refuse(CodeTSAMissing, "the level needs a time-stamp authority")
	}
	if err := r.read(); err != nil {
		return err
	}
	room := TimestampRoom
	for {
		// 1. An update with room for the token.
		inc, err := stampUpdate(r.reader, r.fields, room)
		if err != nil {
			return err
		}
		// 2. A token over all but its own place.
		digest, err := r.s.digest(ctx, inc)
		if err != nil {
			return err
		}
		token, err := askStamp(ctx, r.o.TSA, digest)
		if err != nil {
			return err
		}
		if len(token) > inc.Signature.Room() {
			if room != TimestampRoom {
				return refuse(signer.CodeCMSTooLarge, "the time-stamp has %d bytes, the room is %d", len(token), room)
			}
			room = len(token) + 1024 // once more; tokens differ by little
			continue
		}
		if err := inc.Fill(token); err != nil {
			return err
		}
		return r.add(ctx, inc)
	}
}

// stampUpdate is an update with an empty document time-stamp.
func stampUpdate(reader *pdf.Reader, fields []*pdf.Field, room int) (*pdf.Increment, error) {
	u := pdf.NewUpdate(reader)
	page, err := firstPage(u)
	if err != nil {
		return nil, err
	}
	stamp, err := u.AddSignature(pdf.Map{"Type": pdf.Name("DocTimeStamp"), "Filter": pdf.Name("Adobe.PPKLite"), "SubFilter": pdf.Name("ETSI.RFC3161")}, room)
	if err != nil {
		return nil, err
	}
	field, err := addWidget(u, page, FieldSpec{Name: unusedName(fields, "Timestamp"), Tooltip: tooltipStamp, untagged: true}, stamp, &appearance.Form{})
	if err != nil {
		return nil, err
	}
	form, err := editForm(u)
	if err != nil {
		return nil, err
	}
	if err := form.Append("Fields", field); err != nil {
		return nil, err
	}
	if err := form.Set("SigFlags", pdf.Integer(sigFlags)); err != nil {
		return nil, err
	}
	return u.Build()
}

// unusedName is prefix1, or the next number that no field has.
func unusedName(fields []*pdf.Field, prefix string) string {
	taken := map[string]bool{}
	for _, f := range fields {
		taken[f.Name] = true
	}
	for n := 1; ; n++ {
		if name := prefix + strconv.Itoa(n); !taken[name] {
			return name
		}
	}
}
