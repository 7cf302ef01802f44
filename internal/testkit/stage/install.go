// Package stage sets up a whole installation under a folder and drives it through the real
// program and its HTTP doors, as the demonstration and the benchmarks need it. It is never
// part of kyso.
package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

// Files of the repository; programs run from its root.
const (
	UnitsFile    = "testdata/units/hanoi_units.json"
	DocumentFile = "testdata/pdf/to-trinh.pdf"
)

// Listeners in State.Ports; Stub is where a document system gets its callbacks.
const (
	Public = iota
	Plain
	Admin
	Stub
)

// Units of the story: a ward of today by its administrative code, and the city.
const (
	WardCode = "00082" // Phường Cửa Nam
	CityCode = "01"
)

// cast are the people of the story. Identity numbers are invented: province 001, and a
// birth year and sex that agree.
var cast = []Account{
	{Login: "quantri", Role: "city_admin", Unit: "*", Name: "Phạm Quốc Bảo", Identity: "CCCD:001080000011"},
	{Login: "kiemtoan", Role: "auditor", Unit: "*", Name: "Đỗ Thị Hằng", Identity: "CCCD:001182000012"},
	{Login: "quantri.phuong", Role: "unit_admin", Unit: WardCode, Name: "Lý Minh Châu", Identity: "CCCD:001184000013"},
	{Login: "tiepnhan", Role: "counter", Unit: WardCode, Name: "Vũ Ngọc Ánh", Identity: "CCCD:001190000014"},
	{Login: "duyet", Role: "approver", Unit: WardCode, Name: "Bùi Văn Thắng", Identity: "CCCD:001078000015"},
	{Login: "lanhdao", Role: "signer", Unit: WardCode, Name: "Nguyễn Thị Ánh Tuyết", Identity: "CCCD:001175000016"},
	{Login: "vanthu", Role: "clerk", Unit: WardCode, Name: "Trần Đức Ưng", Identity: "CCCD:001088000017"},
}

// Stage is one installation under a folder, driven through the real program.
type Stage struct {
	// Dir is an absolute path; Kyso the program.
	Dir, Kyso string
	// Database is a PostgreSQL DSN; "" is SQLite in Dir.
	Database string
	// Fixed takes the ports 8080 to 8083 instead of free ones.
	Fixed bool
	// Signers is how many more officers than the story has: ky01, ky02, …
	Signers int
	// NoTSA makes signatures B-B, and there are no callbacks.
	NoTSA bool
	// Out gets a line for each step; nil for nobody.
	Out io.Writer

	State *State
	child *exec.Cmd
	logs  *os.File

	visitors map[string]*Visitor
	mu       sync.Mutex // over the time steps of one-time passwords
}

// Open reads what an earlier run left under dir.
func Open(dir, kyso string) (*Stage, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	st, err := loadState(dir)
	if err != nil {
		return nil, err
	}
	return &Stage{Dir: dir, Kyso: kyso, State: st}, nil
}

// Say prints a line of the story.
func (s *Stage) Say(format string, args ...any) {
	if s.Out != nil {
		fmt.Fprintf(s.Out, format+"\n", args...)
	}
}

// Path is a file of the installation.
func (s *Stage) Path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// URL is the address of a listener: Public, Plain, Admin or Stub.
func (s *Stage) URL(port int) string {
	host := "127.0.0.1"
	if s.Fixed && port == Public {
		host = "localhost" // as people type it, and as the pages call themselves
	}
	return fmt.Sprintf("http://%s:%d", host, s.State.Ports[port])
}

// Run runs a command of kyso and returns its lines of JSON.
func (s *Stage) Run(ctx context.Context, args ...string) ([]map[string]any, error) {
	cmd := exec.CommandContext(ctx, s.Kyso, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("kyso %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	var lines []map[string]any
	for dec := json.NewDecoder(&out); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			return nil, fmt.Errorf("kyso %s printed no JSON: %w", strings.Join(args, " "), err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// Install makes token, configuration, CAs, units and accounts, the first time.
func (s *Stage) Install(ctx context.Context) error {
	if s.State.Ready {
		s.Say("• Dùng lại dữ liệu trong %s / using the installation in %s", s.Dir, s.Dir)
		return nil
	}
	if s.State.TokenPIN != "" {
		return fmt.Errorf("an earlier set-up in %s did not end; remove the folder and start again", s.Dir)
	}
	// 1. The token, SoftHSM in the place of the city's HSM.
	s.Say("• Khởi tạo thiết bị khóa (SoftHSM) / token")
	s.State.TokenPIN = password()
	if err := s.ports(); err != nil {
		return err
	}
	if err := s.State.Save(s.Dir); err != nil {
		return err
	}
	if err := token.Init(s.Path("token"), "kyso", s.State.TokenPIN, password()); err != nil {
		return err
	}
	if err := os.WriteFile(s.Path("token.pin"), []byte(s.State.TokenPIN+"\n"), 0o600); err != nil {
		return err
	}
	// 2. The configuration.
	if err := s.configure(); err != nil {
		return err
	}
	// 3. Root, issuing CAs, OCSP responders, time-stamp authority.
	s.Say("• Lễ tạo khóa: CA gốc, CA cấp phát, OCSP, dấu thời gian / key ceremony")
	if err := os.WriteFile(s.Path("ceremony.yaml"), []byte(ceremonyYAML), 0o644); err != nil {
		return err
	}
	if _, err := s.Run(ctx, "ceremony", "--config", s.Path("kyso.yaml"), s.Path("ceremony.yaml")); err != nil {
		return err
	}
	// 4. The units of Hanoi, and who works where.
	s.Say("• Nhập đơn vị hành chính Hà Nội / units")
	if _, err := s.Run(ctx, "unit", "import", "--config", s.Path("kyso.yaml"), UnitsFile); err != nil {
		return err
	}
	if err := s.people(ctx); err != nil {
		return err
	}
	s.State.Ready = true
	return s.State.Save(s.Dir)
}

// ports are chosen once: the plain listener's address stands in every certificate.
func (s *Stage) ports() error {
	if s.Fixed {
		s.State.Ports = [4]int{8080, 8081, 8082, 8083}
		return nil
	}
	return freePorts(s.State.Ports[:])
}

func (s *Stage) configure() error {
	module, err := token.Module()
	if err != nil {
		return err
	}
	database := s.Database
	if database == "" {
		database = "sqlite:" + s.Path("kyso.db")
	}
	signing := ""
	if s.NoTSA {
		signing = "signing: {tsa: []}\n"
	}
	host := "127.0.0.1"
	if s.Fixed {
		host = "localhost"
	}
	p := s.State.Ports
	text := fmt.Sprintf(`# Made by the demonstration. Not for production: SoftHSM, plain HTTP.
database: "%s"
documents: "%s"
outbox: "%s"
hsm:
  module: "%s"
  token: kyso
  pin_file: "%s"
  config: "%s"
listen: {public: "127.0.0.1:%d", plain: "127.0.0.1:%d", admin: "127.0.0.1:%d"}
url: {public: "http://%s:%d", plain: "http://127.0.0.1:%d"}
outgoing: {allow: ["127.0.0.1"]}
%s`, database, s.Path("documents"), s.Path("outbox"), module, s.Path("token.pin"), token.Conf(s.Path("token")),
		p[0], p[1], p[2], host, p[0], p[1], signing)
	return os.WriteFile(s.Path("kyso.yaml"), []byte(text), 0o600)
}

// everybody is the cast and the further signers.
func (s *Stage) everybody() []Account {
	out := slices.Clone(cast)
	for n := range s.Signers {
		out = append(out, Account{Login: fmt.Sprintf("ky%02d", n+1), Role: "signer", Unit: WardCode, Name: "Nguyễn Văn Ký", Identity: fmt.Sprintf("CCCD:001070%06d", n+1)})
	}
	return out
}

// people writes the set-up file, gives it to kyso and keeps the secrets that it prints.
func (s *Stage) people(ctx context.Context) error {
	s.Say("• Tạo đơn vị, điểm phục vụ, tài khoản, mẫu chữ ký và con dấu / people and pictures")
	var b strings.Builder
	b.WriteString("policies:\n  - {unit: \"" + WardCode + "\", needs_approval: true}\n")
	b.WriteString("points:\n  - {unit: \"" + WardCode + "\", name: Điểm phục vụ hành chính công phường Cửa Nam, address: \"2 Hàng Cót, Hà Nội\", desks: [Quầy 1, Quầy 2]}\n")
	b.WriteString("accounts:\n")
	for _, a := range s.everybody() {
		a.Password, a.PIN = password(), ""
		if a.Role == "signer" {
			a.PIN = Digits(8)
		}
		s.State.Accounts[a.Login] = a
		file := "password." + a.Login
		if err := os.WriteFile(s.Path(file), []byte(a.Password+"\n"), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&b, "  - {login: %s, password_file: %s, name: %q, identity: %q, mail: %s@hanoi.example, totp: true, grants: [\"%s@%s\"]}\n",
			a.Login, file, a.Name, a.Identity, a.Login, a.Role, a.Unit)
	}
	callback := s.URL(Stub) + "/kyso"
	if s.NoTSA { // a measurement; nobody listens
		callback = ""
	}
	fmt.Fprintf(&b, "clients:\n  - {name: DMS, callback: %q, grants: [\"client@*\"]}\n", callback)
	leader, err := stamps.Signature("Ánh Tuyết")
	if err != nil {
		return err
	}
	seal, err := stamps.Seal(36, stamps.SealText{Above: "ỦY BAN NHÂN DÂN", Centre: "PHƯỜNG CỬA NAM"})
	if err != nil {
		return err
	}
	for name, png := range map[string][]byte{"leader.png": leader, "seal.png": seal} {
		if err := os.WriteFile(s.Path(name), png, 0o644); err != nil {
			return err
		}
	}
	var more strings.Builder
	for n := range s.Signers {
		fmt.Fprintf(&more, "  - {login: ky%02d, unit: \"%s\", file: leader.png}\n", n+1, WardCode)
	}
	b.WriteString("pictures:\n" + more.String() + "  - {login: lanhdao, unit: \"" + WardCode + "\", file: leader.png}\n  - {unit: \"" + WardCode + "\", file: seal.png, diameter_mm: 36}\n")
	if err := os.WriteFile(s.Path("setup.yaml"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	lines, err := s.Run(ctx, "setup", "--config", s.Path("kyso.yaml"), s.Path("setup.yaml"))
	if err != nil {
		return err
	}
	for _, l := range lines {
		if login, ok := l["account"].(string); ok {
			a := s.State.Accounts[login]
			a.TOTP, _ = l["totp_secret"].(string)
			s.State.Accounts[login] = a
		}
		if _, ok := l["client"]; ok {
			b, err := json.Marshal(map[string]any{"id": l["id"], "secret_or_key": l["secret"], "callback_key": l["callback_key"]})
			if err != nil {
				return err
			}
			if err := json.Unmarshal(b, &s.State.Client); err != nil {
				return err
			}
		}
	}
	return nil
}

const ceremonyYAML = `# The PKI of the demonstration, on one page.
out: ca
root:
  name: root
  key: P-384
  subject:
    - {type: C, value: VN}
    - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
    - {type: CN, value: "Kyso Root CA (mẫu thử)"}
issuing:
  - name: citizen
    serves: [citizen]
    key: P-256
    subject:
      - {type: C, value: VN}
      - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
      - {type: CN, value: "Kyso CA Công dân (mẫu thử)"}
  - name: officer
    serves: [officer, organisation]
    key: P-256
    subject:
      - {type: C, value: VN}
      - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
      - {type: CN, value: "Kyso CA Cán bộ, cơ quan (mẫu thử)"}
  - name: service
    serves: [service]
    key: P-256
    subject:
      - {type: C, value: VN}
      - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
      - {type: CN, value: "Kyso CA Dịch vụ (mẫu thử)"}
tsa:
  issuer: service
  key: P-256
  subject:
    - {type: C, value: VN}
    - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
    - {type: CN, value: "Kyso Dấu thời gian (mẫu thử)"}
`
