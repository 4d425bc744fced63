package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/web"
)

// backupRoutes are the pages about backups.
func (c *Console) backupRoutes() []route {
	const one = "/backups/{file}/remove"
	return []route{
		{method: http.MethodGet, path: "/backups", ops: []manage.Op{manage.BackupList, manage.BackupSchedule}, handle: backups},
		{method: http.MethodPost, path: "/backups", ops: []manage.Op{manage.BackupCreate, manage.BackupCheck, manage.BackupSetSchedule}, handle: doBackups},
		{method: http.MethodPost, path: "/backups/{file}/download", ops: []manage.Op{manage.BackupDownload}, handle: downloadBackup},
		{method: http.MethodGet, path: one, ops: []manage.Op{manage.BackupList}, handle: askRemoveBackup},
		{method: http.MethodPost, path: one, ops: []manage.Op{manage.BackupRemove}, handle: removeBackup},
	}
}

func backups(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Backups(ctx, p.who, api.None{})
	if err != nil {
		return err
	}
	plan, err := p.c.Manage.BackupSchedule(ctx, p.who, api.None{})
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_backups", backupsPage(p, list.Items, plan, api.ETag(plan)))
}

// doBackups does one thing about backups and comes back.
func doBackups(ctx context.Context, p *page) error {
	var err error
	var made api.Backup
	m, f := p.c.Manage, p.r.PostForm
	do := f.Get("do")
	switch do {
	case "create":
		web.Patient(p.w)
		made, err = m.CreateBackup(ctx, p.who, api.None{})
		do += "_" + made.State
	case "check":
		web.Patient(p.w)
		made, err = m.CheckBackup(ctx, p.who, api.BackupRef{File: f.Get("file")})
		do += "_" + made.State
	case "schedule":
		in := api.BackupScheduleChange{Guarded: api.Guarded{IfMatch: f.Get("etag")}}
		if in.Hours, err = wholeNumber(f.Get("hours"), "hours"); err == nil {
			in.Keep, err = wholeNumber(f.Get("keep"), "keep")
		}
		if err == nil {
			_, err = m.SetBackupSchedule(ctx, p.who, in)
		}
	default:
		return errs.New(errs.BadRequest, "field", "do")
	}
	if err == nil {
		return p.done(p.global("backups"), "backups_did_"+do)
	}
	if err := p.refuse(err); err != nil {
		return err
	}
	return backups(ctx, p)
}

func wholeNumber(text, field string) (*int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, errs.New(errs.BadRequest, "field", field)
	}
	return &n, nil
}

func downloadBackup(ctx context.Context, p *page) error {
	file, about, err := p.c.Manage.DownloadBackup(ctx, p.who, api.BackupRef{File: p.r.PathValue("file")})
	if err != nil {
		return err
	}
	web.Patient(p.w)
	web.Attach(p.w, about.File, "application/octet-stream")
	http.ServeContent(p.w, p.r, about.File, about.TakenAt, file)
	return file.Close()
}

func askRemoveBackup(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Backups(ctx, p.who, api.None{})
	if err != nil {
		return err
	}
	for _, b := range list.Items {
		if b.File == p.r.PathValue("file") {
			return p.show(ctx, "backups_remove", removeBackupPage(p, b, len(list.Items) == 1))
		}
	}
	return errs.New(errs.BackupNotFound)
}

func removeBackup(ctx context.Context, p *page) error {
	if _, err := p.c.Manage.RemoveBackup(ctx, p.who, api.BackupRef{File: p.r.PathValue("file")}); err != nil {
		return err
	}
	return p.done(p.global("backups"), "backups_removed")
}

// backupTone is the colour of a state.
func backupTone(state string) string {
	switch state {
	case "whole":
		return "good"
	case "damaged":
		return "bad"
	case "foreign", "unknown":
		return "warn"
	}
	return ""
}

// underWay reports whether something goes on that the page should follow.
func underWay(list []api.Backup) bool {
	for _, b := range list {
		if b.State == "writing" || b.State == "checking" {
			return true
		}
	}
	return false
}

// backupTrouble says what an operator should do something about, "" for nothing.
func backupTrouble(p *page, list []api.Backup, plan api.BackupSchedule) string {
	const patience = 2 * 24 * time.Hour // for those who make them by hand
	limit := max(patience, 2*time.Duration(plan.Hours)*time.Hour)
	switch {
	case plan.FailedAt != nil:
		return p.say("backups_failed")
	case plan.DoneAt == nil && len(list) == 0:
		return p.say("backups_never")
	case plan.DoneAt != nil && p.now.Sub(*plan.DoneAt) > limit:
		return p.say("backups_old", "days", strconv.Itoa(int(p.now.Sub(*plan.DoneAt).Hours()/24)))
	case plan.Hours == 0:
		return p.say("backups_unplanned")
	}
	return ""
}

// age says how long ago something was.
func age(p *page, t time.Time) string {
	switch hours := int(p.now.Sub(t).Hours()); {
	case hours < 1:
		return p.say("age_now")
	case hours < 48:
		return p.say("age_hours", "n", strconv.Itoa(hours))
	default:
		return p.say("age_days", "n", strconv.Itoa(hours/24))
	}
}

// volume writes a number of bytes as people read it.
func volume(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
	default:
		return fmt.Sprintf("%d KB", (bytes+1023)>>10)
	}
}
