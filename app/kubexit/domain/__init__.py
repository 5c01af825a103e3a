"""What every layer may know and no layer may change: values, rules, formats. No input, no output."""
