package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

// funcs are what templates call.
func (p *pages) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": func(kind string) string { return p.assets.href(kind) },
		"args":  args,
		"date":  func(t any) string { return inZone(t, "02/01/2006") },
		"clock": func(t any) string { return inZone(t, "15:04:05 02/01/2006") },
		"short": func(t any) string { return inZone(t, "15:04 02/01/2006") },
		"moment": func(t any) string {
			return inZone(t, "15:04:05 ngày 02/01/2006 (-07:00)")
		},
		"day":     day,
		"number":  number,
		"longday": longDay,
		"percent": func(f float64) string { return strings.Replace(strconv.FormatFloat(f, 'f', 1, 64), ".", ",", 1) + "%" },
		"mask":    issuance.Mask,
		"check":   shortHash,
		"symbol":  numberOf,
		"urgency": func(u routing.Urgency) string { return u.VI() },
		"add":     func(a, b int) int { return a + b },
		"sum":     func(a, b int64) int64 { return a + b },
		"list":    func(words ...string) []string { return words },
		"kind":    kindWord, "app_state": applicationWord, "cert_state": certificateWord, "proof": proofWord,
	}
}

// args makes the data of a part from pairs of name and value.
func args(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("args: %d values", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("args: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// inZone formats a time.Time or *time.Time in the city's time, "" for none.
func inZone(v any, layout string) string {
	var t time.Time
	switch x := v.(type) {
	case time.Time:
		t = x
	case *time.Time:
		if x != nil {
			t = *x
		}
	}
	if t.IsZero() {
		return ""
	}
	return t.In(unit.Zone()).Format(layout)
}

// day shows a stored day, 2006-01-02, as people write it; anything else as it is.
func day(s any) string {
	text := fmt.Sprint(s)
	if d, err := unit.ParseDay(text); err == nil {
		return d.Text()
	}
	return text
}

// typedDay is the reverse of day: 1/2/2006 and 01-02-2006 become 2006-02-01; anything else
// stays, to be refused by the service and shown again.
func typedDay(s string) string {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2/1/2006", "2-1-2006", "2.1.2006", "02012006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return s
}

// number groups digits by points: 1.389.
func number(v any) string {
	s := fmt.Sprint(v)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

// numberOf is a document's number and notation, or that it has no number yet.
func numberOf(s string) string {
	if !strings.Contains(s, "/") {
		return "Chưa cấp số"
	}
	return s
}

// shortHash is mã kiểm tra: the first and last four hex digits.
func shortHash(h string) string {
	h = strings.ToUpper(h)
	if len(h) <= 8 {
		return h
	}
	return h[:4] + "…" + h[len(h)-4:]
}

func kindWord(k pki.Kind) string {
	switch k {
	case pki.Citizen:
		return "Công dân"
	case pki.Officer:
		return "Cán bộ, công chức"
	case pki.Organisation:
		return "Cơ quan, tổ chức"
	}
	return string(k)
}

// word is a state: its shape by the style sheet's class, and its name.
type word struct{ Class, Text string }

func applicationWord(s issuance.State) word {
	switch s {
	case issuance.Draft:
		return word{"", "Đã lưu"}
	case issuance.Submitted:
		return word{"wait", "Chờ phê duyệt"}
	case issuance.Approved:
		return word{"wait", "Đang cấp"}
	case issuance.Issued:
		return word{"good", "Đã cấp"}
	case issuance.Rejected:
		return word{"bad", "Không phê duyệt"}
	case issuance.Failed:
		return word{"bad", "Lỗi khi cấp"}
	case issuance.Cancelled:
		return word{"end", "Đã hủy"}
	}
	return word{"", string(s)}
}

func certificateWord(s issuance.Shown) word {
	switch s {
	case issuance.ShownIssued:
		return word{"wait", "Chưa kích hoạt"}
	case issuance.ShownActive:
		return word{"good", "Còn hiệu lực"}
	case issuance.ShownSuspended:
		return word{"wait", "Tạm dừng"}
	case issuance.ShownRevoked:
		return word{"bad", "Đã thu hồi"}
	case issuance.ShownExpired:
		return word{"end", "Hết hạn"}
	}
	return word{"", string(s)}
}

func proofWord(m issuance.ProofMethod) string {
	switch m {
	case issuance.ProofCard:
		return "Thẻ và khuôn mặt"
	case issuance.ProofChip:
		return "Đọc chip của thẻ"
	case issuance.ProofVNeID:
		return "VNeID mức 2"
	case issuance.ProofPopulation:
		return "Cơ sở dữ liệu quốc gia về dân cư"
	case issuance.ProofDecision:
		return "Quyết định bổ nhiệm"
	}
	return ""
}
