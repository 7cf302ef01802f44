package pki

// Kind says what sort of subject a certificate has. The words are stored and
// sent to partners; they never change.
type Kind string

// The kinds of subject.
const (
	Citizen      Kind = "citizen"
	Officer      Kind = "officer"
	Organisation Kind = "organisation"
	Service      Kind = "service"
)

// Valid tells whether k is one of the kinds above.
func (k Kind) Valid() bool {
	return k == Citizen || k == Officer || k == Organisation || k == Service
}

// Regime is the kind of digital signature in Vietnamese law that a
// certificate serves (Law on E-Transactions 20/2023, Article 22).
type Regime string

// The regimes.
const (
	// CongCong is the public digital signature (chữ ký số công cộng).
	CongCong Regime = "cong_cong"
	// CongVu is the official-duty signature (chữ ký số chuyên dùng công vụ).
	CongVu Regime = "cong_vu"
	// ChuyenDung is the special-purpose signature (chữ ký điện tử chuyên dùng).
	ChuyenDung Regime = "chuyen_dung"
)

// Valid tells whether r is one of the regimes above.
func (r Regime) Valid() bool { return r == CongCong || r == CongVu || r == ChuyenDung }
