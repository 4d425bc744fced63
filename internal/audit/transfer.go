package audit

// Data that came in or went out as a whole. Detail counts it.
const (
	UserImport    = "user.import" // one transaction of an import
	UserExport    = "user.export" // all people, or the one in UserID
	BackupCreate  = "backup.create"
	BackupRestore = "backup.restore"
	BackupFetch   = "backup.fetch" // a copy left the server
	BackupRemove  = "backup.remove"
	BackupPlan    = "backup.plan" // when they are made by themselves
)
