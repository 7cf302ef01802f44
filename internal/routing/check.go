package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// Limits of what is said about a document.
const (
	maxText        = 2000 // characters of the subject
	maxShort       = 300  // of every other text
	maxSteps       = 20
	maxAttachments = 50
	maxWords       = 200
	maxReason      = 2000
)

var capacities = []string{"", "TM.", "KT.", "TL.", "TUQ.", "Q."}

// check puts the texts into NFC and refuses what breaks a rule.
func (in *Intake) check() error {
	m := &in.Metadata
	if m.Secrecy != "" && m.Secrecy != secrecyOrdinary {
		return ErrSecret
	}
	for _, t := range []struct {
		field string
		text  *string
		limit int
		must  bool
	}{
		{"external_id", &in.ExternalID, maxShort, true},
		{"metadata.subject", &m.Subject, maxText, true},
		{"metadata.agency_code", &m.AgencyCode, maxShort, false},
		{"metadata.number", &m.Number, maxShort, false},
		{"metadata.notation", &m.Notation, maxShort, false},
		{"metadata.type", &m.Type, maxShort, false},
		{"metadata.origin", &m.Origin, maxShort, false},
		{"metadata.place", &m.Place, maxShort, false},
	} {
		if err := text(t.text, t.field, t.limit, t.must); err != nil {
			return err
		}
	}
	if m.Urgency.rank() == urgencyUnknown {
		return ErrMetadata.Reason("độ khẩn không có trong danh mục", "the urgency is unknown").On("metadata.urgency")
	}
	if m.Urgency == "" {
		m.Urgency = UrgencyNormal
	}
	if m.IssuedOn != "" {
		return ErrMetadata.Reason("ngày ban hành do văn thư cấp", "the date of issue is given with the seal").On("metadata.issued_on")
	}
	if in.CallbackURL != "" {
		u, err := url.Parse(in.CallbackURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
			return ErrMetadata.Reason("địa chỉ nhận kết quả không hợp lệ", "the callback address is not valid").On("callback_url")
		}
	}
	if len(in.Attachments) > maxAttachments {
		return ErrMetadata.Reason("quá nhiều phụ lục", "there are too many attachments").On("attachments")
	}
	for i := range in.Attachments {
		if err := text(&in.Attachments[i].Name, fmt.Sprintf("attachments.%d.name", i), maxShort, true); err != nil {
			return err
		}
		if err := text(&in.Attachments[i].MediaType, fmt.Sprintf("attachments.%d.media_type", i), maxShort, false); err != nil {
			return err
		}
	}
	return in.checkSteps()
}

// checkSteps keeps the order of Decree 30/2020: initials, then the leader, then the seal.
// A copy that the organisation made (sao y) may be sealed without a leader's signature.
func (in *Intake) checkSteps() error {
	if len(in.Steps) == 0 || len(in.Steps) > maxSteps {
		return ErrMetadata.Reason("cần từ 1 đến 20 bước", "there are 1 to 20 steps").On("steps")
	}
	var leader, seal, made bool
	for i := range in.Steps {
		st, field := &in.Steps[i], fmt.Sprintf("steps.%d", i)
		switch st.Kind {
		case Initial:
			if leader || seal {
				return ErrMetadata.Reason("ký nháy đứng trước chữ ký của người có thẩm quyền", "initials come before the competent person's signature").On(field)
			}
		case Leader:
			if leader || seal {
				return ErrMetadata.Reason("chỉ có một người có thẩm quyền ký, trước con dấu", "one competent person signs, before the seal").On(field)
			}
			leader = true
		case Copy:
			if leader || made || seal {
				return ErrMetadata.Reason("bản sao không có bước ký khác", "a copy has no other signature").On(field)
			}
			made = true
			if st.CopyForm == "" {
				st.CopyForm = string(appearance.SaoY)
			}
			form, err := appearance.ParseCopyForm(st.CopyForm)
			if err != nil {
				return ErrMetadata.Reason("hình thức sao không có trong danh mục", "the form of copy is unknown").On(field + ".copy_form")
			}
			st.CopyForm = string(form)
		case Seal:
			if seal {
				return ErrMetadata.Reason("chỉ có một con dấu", "there is one seal").On(field)
			}
			if !leader && !made {
				return ErrSealBeforeLeader.On(field)
			}
			seal = true
		default:
			return ErrMetadata.Reason("loại bước không có trong danh mục", "the kind of step is unknown").On(field + ".kind")
		}
		if err := st.check(field); err != nil {
			return err
		}
	}
	return nil
}

func (st *StepSpec) check(field string) error {
	known := false
	for _, c := range capacities {
		known = known || c == st.Capacity
	}
	if !known {
		return ErrMetadata.Reason("thẩm quyền ký không có trong danh mục", "the capacity is unknown").On(field + ".capacity")
	}
	if st.SealDiameterMM < 0 || st.SealDiameterMM > 100 || st.SealDiameterMM != st.SealDiameterMM {
		return ErrSealSize.On(field + ".seal_diameter_mm")
	}
	for _, t := range []*string{&st.Signer, &st.Post, &st.Name, &st.Place.Field, &st.Place.Anchor, &st.CopyForm} {
		if err := text(t, field, maxShort, false); err != nil {
			return err
		}
	}
	return nil
}

// text puts *s into NFC, trimmed, and refuses control and direction characters.
func text(s *string, field string, limit int, must bool) error {
	if !utf8.ValidString(*s) {
		return ErrMetadata.Reason("không phải UTF-8", "the text is not UTF-8").On(field)
	}
	*s = strings.TrimSpace(norm.NFC.String(*s))
	if must && *s == "" {
		return ErrMetadata.Reason("thiếu", "a text is missing").On(field)
	}
	if utf8.RuneCountInString(*s) > limit {
		return ErrMetadata.Reason("quá dài", "a text is too long").On(field)
	}
	for _, r := range *s {
		if (unicode.IsControl(r) && r != '\n') || unicode.Is(unicode.Bidi_Control, r) {
			return ErrMetadata.Reason("có ký tự điều khiển", "a text has control characters").On(field)
		}
	}
	return nil
}

// number is as Decree 30/2020 prints it: digits with an optional letter, a slash, the
// notation; rules of law have the year between them.
var number = regexp.MustCompile(`^[0-9]{1,6}[A-Za-z]?(/[\p{Lu}\p{N}][\p{L}\p{N}.&]*(-[\p{Lu}\p{N}][\p{L}\p{N}.&]*)*)+$`)

// sealInput completes and checks what the clerk gives: the number, and the date, which is
// neither in the future nor before the leader's signature. It returns the date as printed.
func sealInput(in SealInput, m Metadata, leaderAt, now time.Time) (SealInput, string, error) {
	if in.Number == "" && m.Number != "" && m.Notation != "" {
		in.Number = m.Number + "/" + m.Notation
	}
	in.Number = strings.TrimSpace(norm.NFC.String(in.Number))
	if !number.MatchString(in.Number) || len(in.Number) > 100 {
		return in, "", ErrNumber
	}
	if in.Date == "" {
		in.Date = day(now)
	}
	d, err := time.ParseInLocation(time.DateOnly, in.Date, hanoi)
	if err != nil || in.Date > day(now) || (!leaderAt.IsZero() && in.Date < day(leaderAt)) {
		return in, "", ErrDate
	}
	return in, printedDate(d), nil
}

// printedDate is a date as Decree 30/2020 writes it: days below 10 and the months 1 and 2
// get a zero.
func printedDate(d time.Time) string {
	month := fmt.Sprint(int(d.Month()))
	if d.Month() <= time.February {
		month = "0" + month
	}
	return fmt.Sprintf("ngày %02d tháng %s năm %d", d.Day(), month, d.Year())
}

// words folds texts into lower case without accents (đ = d) and cuts them into words.
func words(texts ...string) []string {
	var folded strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(strings.Join(texts, " "))) {
		switch {
		case r == 'đ':
			folded.WriteByte('d')
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			folded.WriteRune(r)
		default:
			folded.WriteByte(' ')
		}
	}
	seen := make(map[string]bool)
	var out []string
	for _, w := range strings.Fields(folded.String()) {
		if !seen[w] && len(out) < maxWords {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// sortKey orders documents: most urgent, then by deadline (none is last), then arrival.
func sortKey(rank int, deadline, created time.Time, id string) string {
	due := int64(9_999_999_999_999_999)
	if !deadline.IsZero() {
		due = deadline.UnixMicro()
	}
	return fmt.Sprintf("%d%016d%016d%s", highestUrgency-rank, due, created.UnixMicro(), id)
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func sumOf(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}
