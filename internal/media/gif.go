package media

import "slices"

// stripGIF keeps images, their timing and the note that says how often a film repeats.
// https://www.w3.org/Graphics/GIF/spec-gif89a.txt
func stripGIF(b []byte) ([]byte, error) {
	const header = 13 // signature and screen
	if len(b) < header {
		return nil, errBroken
	}
	at := header + palette(b[10])
	if at > len(b) {
		return nil, errBroken
	}
	out := append(make([]byte, 0, len(b)), b[:at]...)
	for at < len(b) {
		from, keep := at, true
		switch b[at] {
		case ';':
			return append(out, ';'), nil
		case ',':
			if at+10 > len(b) {
				return nil, errBroken
			}
			at += 10 + palette(b[at+9]) + 1 // the last one is the size of a code
		case '!':
			if at+2 > len(b) {
				return nil, errBroken
			}
			keep = keptExtension(b[at+1:])
			at += 2
		default:
			return nil, errBroken
		}
		if at = blocks(b, at); at < 0 {
			return nil, errBroken
		}
		if keep {
			out = append(out, b[from:at]...)
		}
	}
	return nil, errBroken
}

// palette is the size of the colour table that flags announce.
func palette(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// blocks skips a list of counted blocks and returns where it ends, -1 when it does not.
func blocks(b []byte, at int) int {
	for at < len(b) {
		n := int(b[at])
		at += 1 + n
		if n == 0 {
			return at
		}
	}
	return -1
}

func keptExtension(b []byte) bool {
	switch b[0] {
	case 0xf9: // timing and transparency
		return true
	case 0xff:
		const name = 11
		return len(b) > name+1 && b[1] == name &&
			slices.Contains([]string{"NETSCAPE2.0", "ANIMEXTS1.0"}, string(b[2:2+name]))
	}
	return false
}
