package secret_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/secret"
)

// foreign has one hash of each form with its password. They are from the test suites of
// Ory Kratos, Django and github.com/firebase/scrypt, from RFC 7914, and from OpenSSL's
// passwd; docs/migrating.md shows them.
func foreign() map[string][2]string {
	return map[string][2]string{
		"bcrypt":                 {"test", "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6"},
		"argon2id":               {"test", "$argon2id$v=19$m=32,t=5,p=4$cm94YnRVOW5jZzFzcVE4bQ$fBxypOL0nP/zdPE71JtAV71i487LbX3fJI5PoTN6Lp4"},
		"argon2i":                {"test", "$argon2i$v=19$m=65536,t=3,p=4$kk51rW/vxIVCYn+EG4kTSg$NyT88uraJ6im6dyha/M5jhXvpqlEdlS/9fEm7ScMb8c"},
		"pbkdf2-sha256":          {"test", "$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI"},
		"pbkdf2-sha512":          {"test", "$pbkdf2-sha512$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc"},
		"Django":                 {"l\u00e8tmein", "pbkdf2_sha256$10000$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY="},
		"scrypt":                 {"test", "$scrypt$ln=14,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE"},
		"scrypt as Kratos":       {"test", "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE="},
		"scrypt of RFC 7914":     {"password", "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA"},
		"Firebase":               {"8x4WjoDbSxJZdR", "$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw=="},
		"Firebase as Supabase":   {"8x4WjoDbSxJZdR", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A=="},
		"Firebase's own vector":  {"user1password", secret.FirebaseHash("42xEC+ixf3L2lw==", "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==", "Bw==", "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==", 14, 8)},
		"$1$":                    {"Hello world!", "$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1"},
		"$5$":                    {"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		"$6$":                    {"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		"LDAP crypt":             {"Hello world!", "{CRYPT}$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1"},
		"SSHA":                   {"test123", "{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a"},
		"SSHA256":                {"test123", "{SSHA256}czO44OTV17PcF1cRxWrLZLy9xHd7CWyVYplr1rOhuMlx/7IK"},
		"SSHA512":                {"test123", "{SSHA512}xPUl/px+1cG55rUH4rzcwxdOIPSB2TingLpiJJumN2xyDWN4Ix1WQG3ihnvHaWUE8MYNkvMi5rf0C9NYixHsE6Yh59M="},
		"MD5":                    {"test", "$md5$CY9rzUYh03PK3k6DJie09g=="},
		"LDAP MD5":               {"test", "{MD5}CY9rzUYh03PK3k6DJie09g=="},
		"SHA-1, salt before":     {"test", "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ="},
		"SHA-1, salt after":      {"test", "$sha1$pf=e1BBU1NXT1JEfSUle1NBTFR9$NW9wbWtnejAzcg==$YX0AW8/MW5ojUlnzTaR43ucHCog="},
		"SHA-256, salt before":   {"test", "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$0gfRVLCvtBCk20udLDEY5vNhujWx7RGjwRIS1ebMsLY="},
		"SHA-256 with separator": {"test", "$sha256$pf=e1NBTFR9JCR7UEFTU1dPUkR9$NW9wbWtnejAzcg==$HokCOi9OtiZaZRvnkgemV3B4UUHpI7kA8zq/EZWH2NY="},
		// MySQL: SELECT MD5(CONCAT(MD5('test'), 'a1b2c3')), the form of Discuz.
		"Discuz": {"test", digest("md5", "{MD5(PASSWORD)}{SALT}", "a1b2c3", "dab03bc365092aa94f589d6bb2674ea0")},
	}
}

func digest(algorithm, template, salt, hex string) string {
	text, err := secret.DigestHash(algorithm, template, salt, hex)
	if err != nil {
		return err.Error()
	}
	return text
}

// PW-07: what other systems stored verifies, and asks for a hash of our own.
func TestForeignHashesVerify(t *testing.T) {
	h := hasher(t, secret.HasherOptions{})
	for name, tt := range foreign() {
		t.Run(name, func(t *testing.T) {
			password, stored := tt[0], tt[1]
			if err := secret.CheckHash(stored); err != nil {
				t.Fatalf("%s: %v", stored, err)
			}
			if ok, rehash := verify(t, h, stored, password); !ok || !rehash {
				t.Errorf("right password: ok %v, rehash %v", ok, rehash)
			}
			for _, wrong := range []string{password + "x", strings.ToUpper(password), "x"} {
				if ok, _ := verify(t, h, stored, wrong); ok && wrong != password {
					t.Errorf("%q is right as well", wrong)
				}
			}
		})
	}
}

// PW-08: what nobody can check, or what would cost too much, is refused without work.
func TestForeignHashesAreRefused(t *testing.T) {
	const salt, tag = "$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA", "$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE"
	h := hasher(t, secret.HasherOptions{})
	for encoded, want := range map[string]error{
		"":                                      secret.ErrHashUnknown,
		"098f6bcd4621d373":                      secret.ErrHashUnknown,
		"$unknown$12$o6hx":                      secret.ErrHashUnknown,
		"{SSHA3}JFZFs0oH":                       secret.ErrHashUnknown,
		"{CRYPT}{CRYPT}$1$":                     secret.ErrHashUnknown,
		"{SSHA}tooshort":                        secret.ErrHashDamaged,
		"{SHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a": secret.ErrHashDamaged,
		"$md5$pf=e1NBTFR9$YQ$CY9rzUYh03PK3k6DJie09g":                      secret.ErrHashDamaged, // the salt alone
		"$sha1$$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=":            secret.ErrHashDamaged,
		"$scrypt$ln=16385,r=8,p=1" + salt + tag:                           secret.ErrHashDamaged,
		"$scrypt$ln=18,r=8,p=1" + salt + tag:                              secret.ErrHashCost,
		"$scrypt$ln=17,r=16,p=1" + salt + tag:                             secret.ErrHashCost,
		"$scrypt$ln=17,r=8,p=3" + salt + tag:                              secret.ErrHashCost,
		"$scrypt$ln=1,r=8,p=2000000000" + salt + tag:                      secret.ErrHashCost,
		"$argon2id$v=19$m=262145,t=1,p=1" + salt + tag:                    secret.ErrHashCost,
		"$argon2i$v=19$m=65536,t=11,p=1" + salt + tag:                     secret.ErrHashCost,
		"$argon2id$v=19$m=4294967295,t=1,p=1" + salt + tag:                secret.ErrHashDamaged,
		"$argon2id$v=16$m=65536,t=1,p=1" + salt + tag:                     secret.ErrHashDamaged,
		"$pbkdf2-sha512$i=5000001" + salt + tag:                           secret.ErrHashCost,
		"pbkdf2_sha1$6000000$salt" + tag + "=":                            secret.ErrHashCost,
		"$pbkdf2-md5$i=1000" + salt + tag:                                 secret.ErrHashUnknown,
		"$2a$31$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6":    secret.ErrHashCost,
		"$6$rounds=999999999$saltstring$" + strings.Repeat("x", 86):       secret.ErrHashCost,
		"$6$rounds=1$saltstring$" + strings.Repeat("x", 86):               secret.ErrHashDamaged,
		"$5$saltstring$short":                                             secret.ErrHashDamaged,
		"$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mC$Bw==$YE": secret.ErrHashDamaged,
	} {
		before := h.Stats().Done
		if err := secret.CheckHash(encoded); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", encoded, err, want)
		}
		if ok, _ := verify(t, h, encoded, "test"); ok || encoded != "" && h.Stats().Done != before {
			t.Errorf("%s: ok %v after %d hashes", encoded, ok, h.Stats().Done-before)
		}
	}
	for _, bad := range []string{"md4", ""} {
		if _, err := secret.DigestHash(bad, "{PASSWORD}", "", "00"); !errors.Is(err, secret.ErrHashUnknown) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := secret.DigestHash("md5", "{PASSWORD}", "", "no hex"); !errors.Is(err, secret.ErrHashDamaged) {
		t.Error(err)
	}
}
