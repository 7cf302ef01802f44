package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/kyso-vn/kyso/internal/unit"
)

// Table is a report as a sheet of text and numbers.
type Table struct {
	Title   string
	Columns []string
	// Rows hold strings, int64 and float64.
	Rows [][]any
}

// Table returns the report as a sheet, the total last. Reasons of revocation that occur have
// columns of their own.
func (r Issuance) Table() Table {
	var reasons []string
	for reason := range r.Total.RevokedBy {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	t := Table{Title: "Tình hình cấp chứng thư chữ ký số từ " + unit.Day(r.From).Text() + " đến " + unit.Day(r.To).Text(),
		Columns: []string{"Nhóm", "Đầu kỳ", "Cấp mới", "Gia hạn", "Cấp lại", "Thay đổi", "Tạm dừng", "Khôi phục", "Thu hồi"}}
	for _, reason := range reasons {
		t.Columns = append(t.Columns, "Thu hồi: "+ReasonLabel(reason))
	}
	t.Columns = append(t.Columns, "Thu hồi khi đang tạm dừng", "Hết hạn", "Tăng", "Giảm", "Còn hiệu lực cuối kỳ", "Đang tạm dừng cuối kỳ", "Kích hoạt", "Số người có chứng thư")
	for _, row := range append(slices.Clone(r.Rows), r.Total) {
		cells := []any{row.Label, row.Opening, row.New, row.Renewed, row.Reissued, row.Changed, row.Suspended, row.Reinstated, row.Revoked}
		for _, reason := range reasons {
			cells = append(cells, row.RevokedBy[reason])
		}
		t.Rows = append(t.Rows, append(cells, row.RevokedSuspended, row.Expired, row.Gained, row.Lost, row.Closing, row.SuspendedAtEnd, row.Activated, row.Persons))
	}
	return t
}

// ReasonLabel names a reason of revocation.
func ReasonLabel(reason string) string {
	switch reason {
	case "unspecified":
		return "không nêu lý do"
	case "key_compromise":
		return "lộ khóa"
	case "affiliation_changed":
		return "thay đổi đơn vị"
	case "superseded":
		return "được thay thế"
	case "cessation_of_operation":
		return "ngừng hoạt động"
	case "privilege_withdrawn":
		return "không còn thẩm quyền"
	}
	return reason
}

// Table returns the report as a sheet, the total last.
func (r Documents) Table() Table {
	t := Table{Title: "Tình hình ký số văn bản từ " + unit.Day(r.From).Text() + " đến " + unit.Day(r.To).Text(),
		Columns: []string{"Nhóm", "Tiếp nhận", "Ký nháy", "Lãnh đạo ký", "Đóng dấu", "Phát hành", "Trả lại", "Từ chối", "Thu hồi", "Hết hạn", "Lỗi", "Tỷ lệ ký (%)", "Tỷ lệ đóng dấu (%)"}}
	for _, d := range append(slices.Clone(r.Rows), r.Total) {
		t.Rows = append(t.Rows, []any{d.Label, d.Accepted, d.Initialled, d.LeaderSigned, d.Sealed, d.Issued, d.Returned, d.Refused, d.Withdrawn,
			d.Expired, d.Failed, d.SignedPercent, d.SealedPercent})
	}
	return t
}

// Table returns a page of the ledger as a sheet.
func (l Ledger) Table() Table {
	t := Table{Title: "Sổ cấp chứng thư", Columns: []string{"Số", "Thời gian", "Sự kiện", "Lý do", "Số sê-ri", "Thuê bao", "Loại", "Đơn vị", "Người thực hiện"}}
	for _, x := range l.Lines {
		t.Rows = append(t.Rows, []any{x.Number, x.At.In(unit.Zone()).Format("02/01/2006 15:04:05"), EventLabel(x.Event), ReasonLabel(x.Reason), x.Serial, x.Name,
			KindLabel(x.Kind), x.UnitID, x.Actor})
	}
	return t
}

// EventLabel names an event of the ledger.
func EventLabel(event string) string {
	switch event {
	case "new":
		return "Cấp mới"
	case "renewal":
		return "Gia hạn"
	case "reissue":
		return "Cấp lại"
	case "change":
		return "Thay đổi"
	case "activate":
		return "Kích hoạt"
	case "hold":
		return "Tạm dừng"
	case "reinstate":
		return "Khôi phục"
	case "revoke", "revoke_held":
		return "Thu hồi"
	case "lost":
		return "Thu hồi (lỗi khi cấp)"
	}
	return event
}

// harmless keeps a spreadsheet from taking text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// WriteCSV writes the table in UTF-8 with a byte order mark, for Excel.
func (t Table) WriteCSV(w io.Writer) error {
	buf := bufio.NewWriter(w)
	if _, err := buf.WriteString("\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(buf)
	c.UseCRLF = true
	record := make([]string, len(t.Columns))
	for i, name := range t.Columns {
		record[i] = harmless(name)
	}
	rows := [][]string{record}
	for _, row := range t.Rows {
		record := make([]string, len(row))
		for i, cell := range row {
			if s, ok := cell.(string); ok {
				record[i] = harmless(s)
			} else {
				record[i] = fmt.Sprint(cell)
			}
		}
		rows = append(rows, record)
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return buf.Flush()
}

// WriteXLSX writes the table as a workbook of one sheet, title and head above the rows.
func (t Table) WriteXLSX(w io.Writer) (err error) {
	const sheet = "Báo cáo"
	f := excelize.NewFile()
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	head := make([]any, len(t.Columns))
	for i, name := range t.Columns {
		head[i] = harmless(name)
	}
	lines := append([][]any{{t.Title}, {}, head}, t.Rows...)
	for i, line := range lines {
		cells := slices.Clone(line)
		for j, cell := range cells {
			if s, ok := cell.(string); ok {
				cells[j] = harmless(s)
			}
		}
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			return err
		}
		if err := f.SetSheetRow(sheet, at, &cells); err != nil {
			return fmt.Errorf("write XLSX: %w", err)
		}
	}
	if err := f.SetColWidth(sheet, "A", "A", 36); err != nil {
		return err
	}
	return f.Write(w)
}
