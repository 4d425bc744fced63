package app

import (
	"path/filepath"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/keeper"
)

// backupDir is where backups are kept when the configuration says nothing: better than
// nowhere, though a disk that dies takes them along.
const backupDir = "backups"

// keep makes what looks after the backups of conf. Nothing is made by the clock until the
// configuration names a directory or an administrator sets a schedule.
func (s *services) keep(conf config.Config) *keeper.Keeper {
	o := keeper.Options{
		DB: s.db, Ring: s.ring, Audit: s.audit, Log: s.log, Now: s.now,
		Dir: conf.Backup.Dir, Passphrase: conf.Backup.Passphrase, Schedule: keeper.Schedule{Keep: conf.Backup.Keep},
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(conf.DataDir, backupDir)
	} else {
		o.Schedule.Hours = conf.Backup.Hours
	}
	return keeper.New(o)
}
