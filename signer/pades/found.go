package pades

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// found is a signature or document time-stamp that is in the file.
type found struct {
	field signer.Field
	// archive says that it is a document time-stamp.
	archive  bool
	end      int64 // where the bytes it covers end: the order in time
	contents []byte
	sd       *cms.SignedData
	// stamp is a document time-stamp's own token or a signature's time-stamp, nil for none.
	stamp *tsa.Token
}

// Limits of what is read from the CMS of others.
var foreignLimits = cms.Limits{AllowBER: true}

// findSignatures returns the signatures and document time-stamps, oldest first. One whose
// CMS can't be read has no sd. known are those of the file before it grew.
func findSignatures(s pdf.Source, fields []*pdf.Field, known []*found) ([]*found, error) {
	var list []*found
	for _, f := range fields {
		if f.Type != "Sig" {
			continue
		}
		d, err := pdf.DictAt(s, f.Value)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		x, err := readSignature(s, d, f.Name, known)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b *found) int { return cmp.Compare(a.end, b.end) })
	return list, nil
}

func readSignature(s pdf.Source, d *pdf.Dict, field string, known []*found) (*found, error) {
	x := &found{field: signer.Field{Name: field}, archive: d.Name("SubFilter") == "ETSI.RFC3161" || d.Name("Type") == "DocTimeStamp"}
	contents, err := s.Resolve(d.Get("Contents"))
	if err != nil {
		return nil, err
	}
	text, _ := contents.(pdf.String)
	x.contents = []byte(text)
	ranges, err := pdf.ArrayAt(s, d.Get("ByteRange"))
	if err != nil {
		return nil, err
	}
	if len(ranges) == 4 {
		start, _ := pdf.Number(ranges[2])
		length, _ := pdf.Number(ranges[3])
		x.end = int64(start + length)
	}
	for _, k := range known {
		if k.field.Name == field && k.end == x.end && bytes.Equal(k.contents, x.contents) {
			return k, nil
		}
	}
	der, _, err := cms.Split(x.contents)
	if err != nil {
		return x, nil //nolint:nilerr // whoever needs it refuses
	}
	if x.archive {
		if x.stamp, err = tsa.ParseToken(der, foreignLimits); err == nil {
			x.sd = x.stamp.SignedData
		}
		return x, nil
	}
	if x.sd, err = cms.Parse(der, foreignLimits); err != nil {
		x.sd = nil
		return x, nil //nolint:nilerr // whoever needs it refuses
	}
	for _, token := range x.sd.Unsigned(cms.OIDSignatureTimeStamp) {
		if t, err := tsa.ParseToken(token, foreignLimits); err == nil {
			x.stamp = t
			break
		}
	}
	return x, nil
}

// vriKey names a signature in the VRI dictionary: the upper-case hexadecimal SHA-1 of the
// whole Contents value (EN 319 142-1, Section 5.4.2.3).
func (x *found) vriKey() pdf.Name {
	sum := sha1.Sum(x.contents)
	return pdf.Name(strings.ToUpper(hex.EncodeToString(sum[:])))
}

// signerOf returns the certificate that a SignedData names as its signer's, nil when it is
// not inside.
func signerOf(sd *cms.SignedData) *x509.Certificate {
	for _, c := range sd.Certificates {
		if sd.Signer.Issuer != nil {
			if bytes.Equal(c.RawIssuer, sd.Signer.Issuer) && c.SerialNumber.Cmp(sd.Signer.Serial) == 0 {
				return c
			}
		} else if len(c.SubjectKeyId) > 0 && bytes.Equal(c.SubjectKeyId, sd.Signer.SubjectKeyID) {
			return c
		}
	}
	return nil
}

// stampedAt tells when each of list is proved to have existed: a signature by its own
// time-stamp, else, like a time-stamp, by the next document time-stamp; the zero time when
// only the present proves it.
func stampedAt(list []*found, i int) time.Time {
	if x := list[i]; !x.archive && x.stamp != nil {
		return x.stamp.GenTime
	}
	return coveredAt(list, i)
}

// coveredAt is the time of the next document time-stamp after i.
func coveredAt(list []*found, i int) time.Time {
	for _, x := range list[i+1:] {
		if x.archive && x.stamp != nil {
			return x.stamp.GenTime
		}
	}
	return time.Time{}
}
