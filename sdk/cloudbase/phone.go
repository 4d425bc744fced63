package cloudbase

import "strings"

// twoDigitCodes are the country calling codes of two digits; those of one are 1 and 7,
// and all others have three (ITU-T E.164).
const twoDigitCodes = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58" +
	" 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// phone writes a number the way the protocol does: "+86 13800000000". Without a country
// code it is a Chinese one.
func phone(number string) string {
	rest, international := strings.CutPrefix(number, "+")
	switch {
	case number == "":
		return ""
	case !international:
		return "+86 " + number
	case strings.ContainsAny(rest, " \t") || len(rest) < 4:
		return number
	}
	n := 3
	if rest[0] == '1' || rest[0] == '7' {
		n = 1
	} else if strings.Contains(twoDigitCodes, " "+rest[:2]+" ") {
		n = 2
	}
	return "+" + rest[:n] + " " + rest[n:]
}
