/* What libm.a expects of the C library's own static form, for the helper's interpreter: Python's math needs more of libm than the
 * supervisor's, see interpreter.c. */
#include <math.h>

double __frexp(double number, int *exponent);
double __ldexp(double number, int exponent);

double __frexp(double number, int *exponent) { return frexp(number, exponent); }
double __ldexp(double number, int exponent) { return ldexp(number, exponent); }
