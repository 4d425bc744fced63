package pipeline

import "github.com/tigertally/tigertally/internal/user"

// UserView is the person as functions see them: the documented properties, no secrets.
// Someone about to be created has no id.
func UserView(u user.User, poolID string) map[string]any {
	return map[string]any{"id": u.ID, "userPoolId": poolID}
}

// Profile is the change of the person's profile that the functions asked for.
func (e Effect) Profile() user.Profile { return user.Profile{} }
