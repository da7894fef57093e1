package sandbox

// country is where a generated person lives. A phone is one of the codes (with
// the country's prefix) and seven digits more.
type country struct {
	id, region int64
	weight     int // of 100
	language   string
	codes      []string
	given      []string
	family     []string
}

// countries are those of the generated people, with their share.
var countries = []country{
	{
		id: 1, region: 77, weight: 40, language: "ru",
		codes:  []string{"7903", "7905", "7916", "7921", "7926", "7962", "7981", "7999"},
		given:  []string{"Анна", "Мария", "Ольга", "Екатерина", "Наталья", "Иван", "Сергей", "Дмитрий", "Алексей", "Михаил", "Юлия", "Татьяна"},
		family: []string{"Коваленко", "Шевченко", "Бондарь", "Черных", "Дурново", "Зима", "Мельник", "Ткач", "Савич", "Белых"},
	},
	{
		id: 2, region: 12, weight: 15, language: "ru",
		codes:  []string{"7701", "7702", "7705", "7707", "7747", "7771", "7775", "7777"},
		given:  []string{"Айгерім", "Нұрлан", "Ерлан", "Әсел", "Данияр", "Гүлнар", "Тимур", "Алия", "Қуаныш", "Жанар"},
		family: []string{"Серік", "Ахмет", "Оспан", "Жұмабай", "Нұрғали", "Бекет", "Сәрсен", "Омар"},
	},
	{
		id: 3, region: 9, weight: 15, language: "es",
		codes:  []string{"521551", "521554", "521332", "521818", "521222", "521998"},
		given:  []string{"José", "Guadalupe", "Ximena", "Diego", "Fernanda", "Alejandro", "Itzel", "Ángel", "Sofía", "Emiliano"},
		family: []string{"Hernández", "García", "Martínez", "López", "Núñez", "Ramírez", "Ibarra", "Peña"},
	},
	{
		id: 4, region: 26, weight: 12, language: "pt",
		codes:  []string{"551196", "551197", "551198", "551199", "552197", "552198", "553199", "557198"},
		given:  []string{"João", "Ana Beatriz", "Luiza", "Thiago", "Conceição", "Rafael", "Letícia", "Vinícius", "Antônio"},
		family: []string{"Silva", "Souza", "Araújo", "Conceição", "Ribeiro", "Magalhães", "Nóbrega", "Brandão"},
	},
	{
		id: 5, region: 28, weight: 10, language: "es",
		codes:  []string{"3460", "3461", "3462", "3464", "3465", "3466", "3467"},
		given:  []string{"Lucía", "Hugo", "Begoña", "Íñigo", "Carmen", "Álvaro", "Núria", "Pablo", "Inés"},
		family: []string{"Fernández", "Ruiz", "Muñoz", "Ibáñez", "Soler", "Etxeberria", "Castro", "Vázquez"},
	},
	{
		id: 6, region: 11, weight: 8, language: "de",
		codes:  []string{"491511", "491512", "491514", "491515", "491516", "491517"},
		given:  []string{"Jürgen", "Anja", "Björn", "Käthe", "Lukas", "Mia", "Sören", "Ute", "Finn"},
		family: []string{"Müller", "Groß", "Schäfer", "Köhler", "Weiß", "Jäger", "Böhm", "Vogel"},
	},
}

// decorations are what people put behind their names.
var decorations = []string{"🌸", "🎉", "☀️", "🚲", "✨", "❤️", "🇰🇿", "👩‍🍳"}

// locale is what a language needs to make conversations.
type locale struct {
	talks   []talk
	refusal []string // what an uninterested person says
	offer   string
	rating  string
	auto    string
	moved   string
}

// line is one message of a conversation; who is 'c' the client, 'o' an
// operator.
type line struct {
	who  byte
	text string
}

// talk is a conversation; its first line is the client's. "{n}" is a number.
type talk []line

// locales are the languages of the conversations.
var locales = map[string]locale{
	"ru": {
		talks: []talk{
			{{'c', "Здравствуйте! Где мой заказ {n}?"}, {'o', "Добрый день! Уже у курьера, привезут сегодня до 18:00."}, {'c', "Спасибо 🙏"}},
			{{'c', "Добрый день, сколько стоит доставка?"}, {'o', "В пределах города бесплатно от 2000 ₽, иначе 250 ₽."}, {'c', "А за город?"}, {'o', "За город 490 ₽, привезём завтра."}},
			{{'c', "Можно записаться на субботу?"}, {'o', "Есть время в 11:30 и в 15:00, какое удобнее?"}, {'c', "В 11:30"}, {'o', "Записали вас на субботу, 11:30."}},
			{{'c', "Пришла не та посылка, заказ {n}"}, {'o', "Приносим извинения! Пришлите, пожалуйста, фото."}, {'c', "Отправила"}, {'o', "Оформили замену, курьер приедет завтра."}},
			{{'c', "Вы работаете в воскресенье?"}, {'o', "Да, с 10 до 18."}},
			{{'c', "Промокод ещё действует?"}, {'o', "Да, до конца недели."}, {'c', "Отлично, тогда закажу"}, {'o', "Ждём вас!"}},
		},
		refusal: []string{"Не интересно", "Спасибо, не интересно", "стоп", "Отписаться", "Не пишите мне больше, стоп"},
		offer:   "Для вас скидка 10% на следующий заказ. Рассказать подробнее?",
		rating:  "Оцените, пожалуйста, работу оператора от 1 до 5",
		auto:    "Мы получили ваше сообщение и скоро ответим.",
		moved:   "Диалог передан другому оператору",
	},
	"es": {
		talks: []talk{
			{{'c', "Hola, ¿dónde está mi pedido {n}?"}, {'o', "¡Hola! Ya va en camino, llega hoy antes de las 18:00."}, {'c', "¡Gracias! 😊"}},
			{{'c', "Buenas tardes, ¿cuánto cuesta el envío?"}, {'o', "En la ciudad es gratis a partir de 40."}, {'c', "¿Y fuera de la ciudad?"}, {'o', "Cuesta 6,50 y llega mañana."}},
			{{'c', "¿Puedo cambiar mi cita?"}, {'o', "Claro, tenemos el jueves a las 12:00."}, {'c', "Perfecto, el jueves"}, {'o', "Listo, queda agendada."}},
			{{'c', "Me llegó un producto equivocado, pedido {n}"}, {'o', "Lo sentimos mucho. ¿Nos envía una foto?"}, {'c', "Ahí va"}, {'o', "Mañana recibe el correcto."}},
			{{'c', "¿Abren el domingo?"}, {'o', "Sí, de 10 a 18."}},
		},
		refusal: []string{"No me interesa", "not interested", "No, gracias. STOP", "stop"},
		offer:   "Tenemos un 10% de descuento para su próximo pedido. ¿Le cuento más?",
		rating:  "Por favor, califique la atención del 1 al 5",
		auto:    "Recibimos su mensaje y pronto le responderemos.",
		moved:   "El chat fue transferido a otro operador",
	},
	"pt": {
		talks: []talk{
			{{'c', "Oi! Cadê o meu pedido {n}?"}, {'o', "Olá! Já saiu para entrega, chega hoje."}, {'c', "Obrigada!! ❤️"}},
			{{'c', "Bom dia, vocês parcelam?"}, {'o', "Sim, em até 6 vezes sem juros."}, {'c', "Ótimo"}, {'o', "Posso enviar o link de pagamento?"}},
			{{'c', "Quero remarcar meu horário"}, {'o', "Temos sexta às 14h, pode ser?"}, {'c', "Pode sim"}, {'o', "Remarcado para sexta às 14h."}},
			{{'c', "Vocês abrem aos domingos?"}, {'o', "Abrimos, das 10h às 18h."}},
		},
		refusal: []string{"Não tenho interesse", "not interested", "Pare, por favor", "stop"},
		offer:   "Temos 10% de desconto no seu próximo pedido. Quer saber mais?",
		rating:  "Avalie o atendimento de 1 a 5, por favor",
		auto:    "Recebemos sua mensagem e responderemos em breve.",
		moved:   "A conversa foi transferida para outro atendente",
	},
	"de": {
		talks: []talk{
			{{'c', "Guten Tag, wo bleibt meine Bestellung {n}?"}, {'o', "Guten Tag! Sie ist unterwegs und kommt heute bis 18 Uhr."}, {'c', "Vielen Dank"}},
			{{'c', "Was kostet der Versand?"}, {'o', "Ab 40 Euro ist er kostenlos."}, {'c', "Und nach Österreich?"}, {'o', "6,50 Euro, zwei Tage."}},
			{{'c', "Kann ich den Termin verschieben?"}, {'o', "Gern: Donnerstag um 12 Uhr?"}, {'c', "Passt"}, {'o', "Ist eingetragen."}},
		},
		refusal: []string{"Kein Interesse", "Nein danke, not interested", "Stop"},
		offer:   "Für Ihre nächste Bestellung gibt es 10% Rabatt. Möchten Sie mehr wissen?",
		rating:  "Bitte bewerten Sie uns von 1 bis 5",
		auto:    "Wir haben Ihre Nachricht erhalten und antworten bald.",
		moved:   "Der Chat wurde weitergeleitet",
	},
}
