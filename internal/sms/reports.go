package sms

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tigertally/tigertally/internal/driver"
)

// maxReports bounds one callback; vendors send a hundred at most.
const maxReports = 500

var errReports = errors.New("the report is not the vendor's")

// Reports reads an array of delivery reports. It is not signed: that the caller knew the
// address is all the proof there is.
func (t *tencent) Reports(_ string, _ http.Header, body []byte) ([]driver.Report, error) {
	var items []struct {
		Status string `json:"report_status"`
		Reason string `json:"errmsg"`
		SID    string `json:"sid"`
	}
	if err := json.Unmarshal(body, &items); err != nil || len(items) > maxReports {
		return nil, errReports
	}
	var all []driver.Report
	for _, i := range items {
		r := driver.Report{VendorID: i.SID, Reason: i.Reason}
		switch i.Status {
		case "SUCCESS":
			r.Outcome, r.Reason = driver.Delivered, ""
		case "FAIL":
			r.Outcome = driver.Undelivered
		default:
			continue
		}
		all = append(all, r)
	}
	return all, nil
}

// Answer is what keeps them from reporting again.
func (t *tencent) Answer() (contentType, body string) {
	return "application/json", `{"result":0,"errmsg":"OK"}`
}

// Reports reads an array of delivery reports, which is not signed either. Their out_id is
// our id.
func (a *aliyun) Reports(_ string, _ http.Header, body []byte) ([]driver.Report, error) {
	var items []struct {
		Success bool        `json:"success"`
		Reason  string      `json:"err_code"`
		BizID   string      `json:"biz_id"`
		Size    json.Number `json:"sms_size"`
	}
	if err := json.Unmarshal(body, &items); err != nil || len(items) > maxReports {
		return nil, errReports
	}
	var all []driver.Report
	for _, i := range items {
		r := driver.Report{VendorID: i.BizID, Outcome: driver.Delivered}
		if !i.Success {
			r.Outcome, r.Reason = driver.Undelivered, i.Reason
		}
		if n, err := i.Size.Int64(); err == nil {
			r.Units = int(n)
		}
		all = append(all, r)
	}
	return all, nil
}

// Answer is what keeps them from reporting again.
func (a *aliyun) Answer() (contentType, body string) {
	return "application/json", `{"code":0,"msg":"OK"}`
}
