// A sentence with a number in it, in the form that the language has for that number: "one={} thing|other={} things".
export function counted(forms, n) {
  const by = Object.fromEntries(forms.split("|").map(form => [form.slice(0, form.indexOf("=")), form.slice(form.indexOf("=") + 1)]));
  const rule = new Intl.PluralRules(document.documentElement.lang).select(n);
  return (by[rule] ?? by.other).replace("{}", n);
}
