package unit

import "github.com/kyso-vn/kyso/internal/errs"

// Refusals.
var (
	ErrUnknown = errs.New(errs.Invalid, "unknown_unit",
		"Không có đơn vị này.", "There is no such unit.").On("unit")
	ErrUnknownPoint = errs.New(errs.Invalid, "unknown_point",
		"Không có điểm phục vụ này.", "There is no such service point.").On("point")
	ErrUnknownDesk = errs.New(errs.Invalid, "unknown_desk",
		"Không có quầy này tại điểm phục vụ.", "There is no such desk at the service point.").On("desk")
	ErrDay = errs.New(errs.Invalid, "day_invalid",
		"Ngày không hợp lệ; ví dụ đúng: 2025-07-01.", "Not a day; write it as 2025-07-01.")
	ErrName = errs.New(errs.Invalid, "unit_name",
		"Tên đơn vị không được để trống và không quá 200 ký tự.", "A unit has a name of at most 200 characters.").On("name")
	ErrCode = errs.New(errs.Invalid, "unit_code",
		"Mã đơn vị gồm 1 đến 40 chữ cái không dấu, chữ số, dấu chấm hoặc gạch.", "A unit's code has 1 to 40 letters, digits, dots or dashes.").On("code")
	ErrExists = errs.New(errs.Conflict, "unit_exists",
		"Mã đơn vị này đã có từ ngày đó.", "A unit of this code begins on that day already.")
	ErrImport = errs.New(errs.Invalid, "unit_import",
		"Tệp đơn vị không đúng định dạng.", "The file of units is not of the expected form.")
	ErrImportChanged = errs.New(errs.Conflict, "unit_import_changed",
		"Tệp đơn vị khác với dữ liệu đã có (mã %s).", "The file of units contradicts what is stored (code %s).")
)
