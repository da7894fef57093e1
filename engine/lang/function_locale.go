package lang

import (
	"fmt"
	"strings"
)

// locale is how a language writes dates, numbers, prices and enumerations.
type locale struct {
	months      [12]string // after a day: "1 марта"
	monthsAlone [12]string // without one: "март"
	short       [12]string
	shortAlone  [12]string
	days        [7]string // from Sunday, as package time counts
	daysShort   [7]string
	halves      [2]string // of the day
	decimal     string
	group       string
	groupFrom   int // digits before the decimal mark from which groups are parted
	signFirst   bool
	conjunction string // "and", with its spaces

	commaBeforeAnd bool // before the last of three and more
}

// localeOf finds a locale by its name.
func localeOf(name string) (locale, error) {
	switch name {
	case "en":
		return english(), nil
	case "ru":
		return russian(), nil
	case "es":
		return spanish(), nil
	}
	for _, known := range []string{"en", "ru", "es"} {
		if strings.HasPrefix(strings.ToLower(name), known) {
			return locale{}, fmt.Errorf("%s is no locale here: write %q", quote(name), known)
		}
	}
	return locale{}, fmt.Errorf(`%s is no locale here: write "en", "ru" or "es"`, quote(name))
}

func english() locale {
	l := locale{
		months: [12]string{
			"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
			"November", "December",
		},
		short:     [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
		days:      [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		daysShort: [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
		halves:    [2]string{"AM", "PM"},
		decimal:   ".",
		group:     ",",
		groupFrom: 4,
		signFirst: true,

		conjunction:    " and ",
		commaBeforeAnd: true,
	}
	l.monthsAlone, l.shortAlone = l.months, l.short
	return l
}

func russian() locale {
	return locale{
		months: [12]string{
			"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября",
			"ноября", "декабря",
		},
		monthsAlone: [12]string{
			"январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь",
			"ноябрь", "декабрь",
		},
		short:      [12]string{"янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."},
		shortAlone: [12]string{"янв.", "февр.", "март", "апр.", "май", "июнь", "июль", "авг.", "сент.", "окт.", "нояб.", "дек."},
		days:       [7]string{"воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота"},
		daysShort:  [7]string{"вс", "пн", "вт", "ср", "чт", "пт", "сб"},
		halves:     [2]string{"AM", "PM"},
		decimal:    ",",
		group:      "\u00a0",
		groupFrom:  4,

		conjunction: " и ",
	}
}

func spanish() locale {
	l := locale{
		months: [12]string{
			"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
			"noviembre", "diciembre",
		},
		short:     [12]string{"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"},
		days:      [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		daysShort: [7]string{"dom", "lun", "mar", "mié", "jue", "vie", "sáb"},
		halves:    [2]string{"a.\u00a0m.", "p.\u00a0m."},
		decimal:   ",",
		group:     ".",
		groupFrom: 5,

		conjunction: " y ",
	}
	l.monthsAlone, l.shortAlone = l.months, l.short
	return l
}
