package issuance

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/unit"
)

const maxQR = 2048

// ParseCardQR reads the QR code of an identity card as a scanner types it:
//
//	CCCD|CMND cũ|họ và tên|ngày sinh ddMMyyyy|giới tính|nơi thường trú|ngày cấp ddMMyyyy
//
// An empty CMND, missing last fields and extra fields are tolerated. It is data entry, not
// proof: the form is checked again when it is submitted.
func ParseCardQR(text string) (Form, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if len(text) > maxQR {
		return Form{}, ErrCardQR
	}
	fields := strings.Split(norm.NFC.String(text), "|")
	for i := range fields {
		fields[i] = strings.Join(strings.Fields(fields[i]), " ")
	}
	for len(fields) < 7 {
		fields = append(fields, "")
	}
	f := Form{Identity: fields[0], OldIdentity: fields[1], Name: fields[2], Sex: parseSex(fields[4]), Address: fields[5]}
	if !digits(f.Identity) || f.Name == "" {
		return Form{}, ErrCardQR
	}
	if len(f.Identity) != 12 {
		return Form{}, ErrCCCDLength
	}
	f.BirthDate, f.CardIssued = cardDate(fields[3]), cardDate(fields[6])
	f.Locality = commune(f.Address)
	if e := CheckCCCD(f.Identity, f.BirthDate, f.Sex); e != nil {
		return Form{}, e
	}
	return f, nil
}

// CheckCCCD checks an identity number by itself, and against date of birth and sex where
// they are given: 3 digits for the place, 1 for century and sex, 2 for the year, 6 free.
func CheckCCCD(number, birthDate string, sex Sex) *errs.Error {
	if len(number) != 12 || !digits(number) {
		return ErrCCCDLength
	}
	// 001 to 096 are provinces, higher ones countries; 000 is neither.
	if number[:3] == "000" {
		return ErrCCCDForm
	}
	century, female := int(number[3]-'0')/2, (number[3]-'0')%2 == 1
	if sex != "" && female != (sex == Female) {
		return ErrCCCDSex
	}
	if birth, err := time.Parse(time.DateOnly, birthDate); err == nil {
		yy, _ := strconv.Atoi(number[4:6])
		if birth.Year() != 1900+100*century+yy {
			return ErrCCCDYear
		}
	}
	return nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func parseSex(s string) Sex {
	switch unit.Fold(s) {
	case "nam":
		return Male
	case "nu":
		return Female
	}
	return ""
}

// cardDate turns ddMMyyyy into yyyy-MM-dd; "" for what is no date.
func cardDate(s string) string {
	t, err := time.Parse("02012006", s)
	if err != nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

// commune finds the phường or xã in an address as cards print it; "" when it has none.
func commune(address string) string {
	for part := range strings.SplitSeq(address, ",") {
		part = strings.TrimSpace(part)
		for _, prefix := range []string{"phuong ", "xa ", "thi tran "} {
			if strings.HasPrefix(unit.Fold(part), prefix) {
				return part
			}
		}
	}
	return ""
}
