package issuance

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

// Form is what is filled in at the counter. Dates are 2006-01-02. It holds personal data:
// it is encrypted at rest and never logged.
type Form struct {
	Kind    pki.Kind `json:"kind"`
	UnitID  string   `json:"unit_id"`
	PointID string   `json:"point_id,omitempty"`
	DeskID  string   `json:"desk_id,omitempty"`
	// Test marks a certificate that is left out of all counts.
	Test bool `json:"test,omitempty"`

	// The person; not for a seal.
	Identity    string `json:"identity,omitempty"` // CCCD, 12 digits
	OldIdentity string `json:"old_identity,omitempty"`
	Name        string `json:"name,omitempty"`
	BirthDate   string `json:"birth_date,omitempty"`
	Sex         Sex    `json:"sex,omitempty"`
	Address     string `json:"address,omitempty"`
	CardIssued  string `json:"card_issued,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Mail        string `json:"mail,omitempty"`
	// Locality is the L of a citizen's certificate; empty is the name of a commune unit.
	Locality string `json:"locality,omitempty"`

	// Title (chức danh) is an officer's post.
	Title string `json:"title,omitempty"`

	// The organisation of a seal: its name (empty is the unit's), the one it belongs to
	// (empty is the city's committee), its tax number if it has one.
	OrganisationName string `json:"organisation_name,omitempty"`
	ParentName       string `json:"parent_name,omitempty"`
	TaxNumber        string `json:"tax_number,omitempty"`

	Proof    Proof    `json:"proof"`
	Contract Contract `json:"contract"`
	Consent  Consent  `json:"consent"`
}

// Sex as on the identity card.
type Sex string

// The words of the card, without accents.
const (
	Male   Sex = "nam"
	Female Sex = "nu"
)

// Proof says how the identity was proved.
type Proof struct {
	Method ProofMethod `json:"method,omitempty"`
	// Reference is the number of the check in the other system, if it gives one.
	Reference string `json:"reference,omitempty"`
}

// ProofMethod is a way to prove an identity.
type ProofMethod string

// The ways: card in hand and face, chip, VNeID level 2, the population database, and for
// officers the decision of appointment.
const (
	ProofCard       ProofMethod = "card"
	ProofChip       ProofMethod = "chip"
	ProofVNeID      ProofMethod = "vneid"
	ProofPopulation ProofMethod = "population"
	ProofDecision   ProofMethod = "decision"
)

// Contract is the agreement with the subscriber.
type Contract struct {
	Signed bool   `json:"signed,omitempty"`
	Number string `json:"number,omitempty"`
}

// Consent to process personal data stands apart from the contract: to which text, when.
type Consent struct {
	Given bool   `json:"given,omitempty"`
	Text  string `json:"text,omitempty"` // version of the text, as "2026-01"
	At    string `json:"at,omitempty"`   // RFC 3339; empty is the time of submission
}

// clean normalises what people type: NFC, no spaces around or doubled.
func (f *Form) clean() {
	for _, s := range []*string{&f.Identity, &f.OldIdentity, &f.Name, &f.BirthDate, &f.Address, &f.CardIssued, &f.Phone, &f.Mail,
		&f.Locality, &f.Title, &f.OrganisationName, &f.ParentName, &f.TaxNumber, &f.Proof.Reference, &f.Contract.Number, &f.Consent.Text} {
		*s = norm.NFC.String(strings.Join(strings.Fields(*s), " "))
	}
	f.Identity = strings.ReplaceAll(f.Identity, " ", "")
	f.Phone = strings.NewReplacer(" ", "", ".", "", "-", "").Replace(f.Phone)
}

const (
	maxName  = 64 // ub-common-name, RFC 5280
	maxOther = 128
	maxText  = 500
	// DefaultMinAge is at what age somebody may act alone in most matters of civil law.
	DefaultMinAge = 15
	maxNumber     = 64
)

var (
	phoneForm = regexp.MustCompile(`^(\+84|0)[0-9]{8,10}$`)
	mailForm  = regexp.MustCompile(`^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
)

// check refuses a form that can't become a certificate, with every wrong field at once.
func (f *Form) check(now time.Time, minAge int) error {
	var bad Invalid
	switch f.Kind {
	case pki.Citizen:
		f.checkPerson(&bad, now, minAge)
	case pki.Officer:
		f.checkPerson(&bad, now, minAge)
		bad.text("title", f.Title, maxName, true)
	case pki.Organisation:
		bad.text("organisation_name", f.OrganisationName, maxName, false)
		bad.text("parent_name", f.ParentName, maxName, false)
		if f.TaxNumber != "" && (pki.Attribute{Type: pki.UserID, Value: pki.MST + ":" + f.TaxNumber}).Check() != nil {
			bad.add(ErrText.On("tax_number"))
		}
	default:
		bad.add(ErrKind)
	}
	switch f.Proof.Method {
	case ProofCard, ProofChip, ProofVNeID, ProofPopulation, ProofDecision:
	default:
		bad.add(ErrProof)
	}
	bad.text("proof.reference", f.Proof.Reference, maxOther, false)
	bad.text("contract.number", f.Contract.Number, maxNumber, false)
	bad.text("consent.text", f.Consent.Text, maxNumber, f.Consent.Given)
	if !f.Contract.Signed {
		bad.add(ErrContract)
	}
	if f.Kind != pki.Organisation && !f.Consent.Given {
		bad.add(ErrConsent)
	}
	if at, err := time.Parse(time.RFC3339, f.Consent.At); f.Consent.At != "" && (err != nil || at.After(now.Add(time.Minute))) {
		bad.add(ErrDate.On("consent.at"))
	}
	return bad.err()
}

func (f *Form) checkPerson(bad *Invalid, now time.Time, minAge int) {
	bad.text("name", f.Name, maxName, true)
	if holdsNumber(f.Name) {
		bad.add(ErrText.On("name"))
	}
	bad.text("address", f.Address, maxText, false)
	bad.text("locality", f.Locality, maxOther, false)
	bad.text("old_identity", f.OldIdentity, maxNumber, false)
	if e := CheckCCCD(f.Identity, f.BirthDate, f.Sex); e != nil {
		bad.add(e)
	}
	birth, err := time.ParseInLocation(time.DateOnly, f.BirthDate, unit.Zone())
	switch {
	case f.BirthDate == "":
		bad.add(ErrRequired.On("birth_date"))
	case err != nil || birth.After(now) || birth.Year() < 1900:
		bad.add(ErrDate.On("birth_date"))
	case birth.AddDate(minAge, 0, 0).After(now):
		bad.add(ErrUnderAge.Format(minAge))
	}
	if f.Sex != Male && f.Sex != Female {
		bad.add(ErrRequired.On("sex"))
	}
	if _, err := time.Parse(time.DateOnly, f.CardIssued); f.CardIssued != "" && err != nil {
		bad.add(ErrDate.On("card_issued"))
	}
	if f.Phone != "" && !phoneForm.MatchString(f.Phone) {
		bad.add(ErrPhone)
	}
	if f.Mail != "" && !mailForm.MatchString(f.Mail) {
		bad.add(ErrMail)
	}
}

// text checks free text: bounds, and the characters that may stand in names.
func (v *Invalid) text(field, value string, most int, required bool) {
	var e *errs.Error
	switch {
	case value == "" && required:
		e = ErrRequired
	case value == "":
		return
	case utf8.RuneCountInString(value) > most:
		e = ErrTooLong.Format(most)
	case most <= maxOther && (pki.Attribute{Type: pki.Locality, Value: value}).Check() != nil,
		strings.ContainsFunc(value, invisible):
		e = ErrText
	default:
		return
	}
	v.add(e.On(field))
}

// holdsNumber tells whether a person's name has as many digits as an identity number, old or
// new. A scanner may type a whole card into the field, and names are stored in clear.
func holdsNumber(name string) bool {
	n := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n >= 9
}

// invisible tells whether r is a control, a bidirectional or another format character.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
}
