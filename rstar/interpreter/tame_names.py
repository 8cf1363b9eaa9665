"""The names that a tame program may use: what each does is known, bounded, and invisible to other programs.

A name is left out where it evaluates text, reaches files, changes shared state, draws from a shared generator, or hands
out memory that it did not clear (`numpy.empty`). Being left out costs a fork, nothing else.
"""

from __future__ import annotations

BUILTINS = frozenset(
    """
    abs all any ascii bin bool callable chr complex dict divmod enumerate filter float format frozenset hash hex int
    isinstance issubclass iter len list map max min next oct ord pow print range repr reversed round set slice sorted
    str sum tuple type zip True False None Ellipsis NotImplemented
    ArithmeticError AssertionError AttributeError BaseException EOFError Exception FloatingPointError IndexError
    KeyError KeyboardInterrupt LookupError MemoryError NameError NotImplementedError OverflowError RecursionError
    RuntimeError StopIteration SyntaxError SystemExit TypeError UnboundLocalError UnicodeError ValueError
    ZeroDivisionError Warning RuntimeWarning UserWarning DeprecationWarning
    """.split()
)

_SYMPY = """
    Symbol symbols Wild Integer Rational Float Number pi E I oo zoo nan GoldenRatio EulerGamma Catalan true false S N
    sqrt cbrt root real_root exp log ln sin cos tan cot sec csc sinc asin acos atan acot asec acsc atan2 sinh cosh tanh
    coth sech csch asinh acosh atanh acoth asech acsch Abs sign Max Min floor ceiling frac Mod re im arg conjugate
    factorial factorial2 binomial rf ff RisingFactorial FallingFactorial subfactorial fibonacci lucas tribonacci
    bernoulli euler catalan harmonic genocchi bell partition gamma loggamma digamma polygamma beta zeta erf erfc
    LambertW Heaviside DiracDelta KroneckerDelta legendre chebyshevt chebyshevu hermite laguerre besselj bessely
    Add Mul Pow Eq Ne Lt Le Gt Ge Equality Unequality StrictLessThan StrictGreaterThan LessThan GreaterThan Rel
    And Or Not Xor Implies Equivalent ITE
    Function Lambda Piecewise Derivative Integral Sum Product Limit Subs Tuple Dict
    solve solveset linsolve nonlinsolve dsolve checksol solve_linear_system roots real_roots nroots
    solve_univariate_inequality reduce_inequalities solve_poly_system solve_linear rsolve diophantine
    simplify expand factor collect apart together cancel trigsimp expand_trig expand_log expand_func
    logcombine powsimp powdenest radsimp ratsimp combsimp gammasimp nsimplify numer denom fraction rcollect
    expand_mul expand_power_base expand_power_exp expand_complex separatevars sqrtdenest besselsimp hyperexpand posify
    diff integrate limit series summation product residue is_convex idiff
    Matrix ImmutableMatrix SparseMatrix eye zeros ones diag det MatrixSymbol Identity GramSchmidt
    Poly poly degree degree_list LC LM LT pdiv prem pquo pexquo div rem quo exquo resultant discriminant
    terms_gcd gcd gcd_list lcm lcm_list gcdex sqf sqf_list factor_list factor_terms intervals count_roots decompose
    groebner interpolate horner symmetrize compose minimal_polynomial cyclotomic_poly monic content primitive
    factorint divisors proper_divisors divisor_count divisor_sigma primefactors isprime nextprime prevprime prime
    primepi primerange primorial totient reduced_totient mobius mod_inverse n_order is_primitive_root primitive_root
    legendre_symbol jacobi_symbol sqrt_mod is_quad_residue quadratic_residues discrete_log multiplicity perfect_power
    trailing npartitions integer_nthroot integer_log igcd ilcm continued_fraction continued_fraction_periodic
    continued_fraction_convergents continued_fraction_reduce continued_fraction_iterator egyptian_fraction
    is_perfect is_abundant is_deficient abundance primenu primeomega digit_count digits
    Interval FiniteSet Union Intersection Complement EmptySet Range ProductSet ConditionSet ImageSet SymmetricDifference
    Contains Reals Integers Naturals Naturals0 Rationals Complexes UniversalSet
    Point Point2D Point3D Line Line2D Line3D Segment Segment2D Segment3D Ray Ray2D Ray3D Circle Ellipse Triangle Polygon
    RegularPolygon Plane Parabola Curve are_similar centroid convex_hull intersection deg rad
    Permutation numbered_symbols cartes subsets variations flatten
    latex pretty preorder_traversal postorder_traversal ordered default_sort_key topological_sort
    crt solve_congruence nT nP nC stirling
    periodicity minimum maximum stationary_points continuous_domain function_range singularities is_increasing
    is_decreasing is_monotonic is_strictly_increasing is_strictly_decreasing satisfiable
    fourier_series fps finite_diff_weights apply_finite_diff laplace_transform inverse_laplace_transform
""".split()

SYMPY_MODULES = frozenset(
    f"sympy{part}"
    for part in """
    .calculus .calculus.util .combinatorics .concrete .concrete.summations .concrete.products .core .core.numbers
    .functions .functions.combinatorial.factorials .functions.combinatorial.numbers
    .functions.elementary.exponential .functions.elementary.integers .functions.elementary.miscellaneous
    .functions.elementary.trigonometric .functions.elementary.complexes .functions.elementary.piecewise
    .functions.special.gamma_functions .geometry .integrals .logic .logic.boolalg .matrices .ntheory .ntheory.factor_
    .ntheory.modular .ntheory.residue_ntheory .ntheory.primetest .ntheory.generate .ntheory.continued_fraction
    .ntheory.digits .polys .polys.polytools .series .sets .sets.sets .simplify .simplify.simplify .solvers
    .solvers.solvers .solvers.solveset .solvers.inequalities .solvers.diophantine .solvers.recurr
    .utilities.iterables .core.symbol .core.function .core.relational .core.power .discrete
    """.split()
)
"""Modules from which the names in the sympy list may be imported as well."""

_NUMPY = """
    array asarray arange linspace logspace geomspace zeros ones full zeros_like ones_like full_like eye identity diag
    add subtract multiply divide power mod remainder floor_divide negative absolute abs fabs sqrt cbrt square exp expm1
    exp2 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh hypot
    degrees radians deg2rad rad2deg floor ceil trunc rint round around fix sign clip minimum maximum fmin fmax gcd lcm
    sum prod cumsum cumprod mean median std var average min max amin amax argmin argmax ptp percentile quantile
    sort argsort unique where nonzero argwhere flatnonzero searchsorted count_nonzero any all isclose allclose
    array_equal isnan isinf isfinite isin logical_and logical_or logical_not logical_xor equal not_equal less greater
    less_equal greater_equal reshape ravel transpose concatenate stack vstack hstack column_stack dstack split tile
    repeat roll flip fliplr flipud rot90 append insert delete meshgrid dot vdot inner outer matmul cross tensordot kron
    trace tril triu diff gradient interp convolve correlate histogram bincount digitize polyfit polyval polyadd polymul
    polyder polyint roots poly vectorize pi e inf nan newaxis int8 int16 int32 int64 uint8 uint64 float32 float64
    complex128 bool_ integer floating real imag conj conjugate angle nan_to_num nansum nanmean nanmax nanmin
    triu_indices tril_indices indices ndenumerate ndindex unravel_index squeeze expand_dims broadcast_to atleast_1d
    atleast_2d sinc heaviside trapezoid lexsort partition ediff1d union1d intersect1d setdiff1d
""".split()

MODULES: dict[str, frozenset[str]] = {
    "math": frozenset(
        """
        acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp exp2 expm1
        fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp lgamma log
        log10 log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt tan tanh tau trunc ulp
        """.split()
    ),
    "cmath": frozenset("acos asin atan cos e exp inf isclose log phase pi polar rect sin sqrt tan tau".split()),
    "itertools": frozenset(
        """
        accumulate chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby
        islice pairwise permutations product repeat starmap takewhile tee zip_longest
        """.split()
    ),
    # Not wraps and update_wrapper: they set attributes, on a shared function too.
    "functools": frozenset({"reduce", "partial", "lru_cache", "cache", "cmp_to_key"}),
    "fractions": frozenset({"Fraction"}),
    "decimal": frozenset({"Decimal", "ROUND_HALF_UP", "ROUND_DOWN", "ROUND_UP", "ROUND_HALF_EVEN", "ROUND_FLOOR"}),
    # Not namedtuple, which executes text.
    "collections": frozenset({"Counter", "defaultdict", "deque", "OrderedDict"}),
    "statistics": frozenset(
        "mean median mode stdev variance pstdev pvariance fmean geometric_mean harmonic_mean".split()
    ),
    "heapq": frozenset("heappush heappop heapify heappushpop heapreplace nlargest nsmallest merge".split()),
    "bisect": frozenset("bisect bisect_left bisect_right insort insort_left insort_right".split()),
    "string": frozenset({"ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "punctuation"}),
    # Not attrgetter and methodcaller: attributes by text.
    "operator": frozenset("add sub mul truediv floordiv mod pow neg xor and_ or_ itemgetter eq ne lt le gt ge".split()),
    "re": frozenset("compile findall finditer fullmatch match search split sub IGNORECASE MULTILINE escape".split()),
    "copy": frozenset({"copy", "deepcopy"}),
    "datetime": frozenset({"date", "timedelta", "datetime"}),
    "typing": frozenset("Any Callable Dict Generator Iterable Iterator List Optional Sequence Set Tuple Union".split()),
    "__future__": frozenset({"annotations"}),
    "sympy": frozenset(_SYMPY),
    "sympy.abc": frozenset(
        [
            *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
            *"alpha beta gamma delta epsilon theta lamda mu nu xi rho sigma tau phi chi psi omega".split(),
        ]
    ),
    "numpy": frozenset(_NUMPY),
    "numpy.linalg": frozenset(
        "det inv solve eig eigh eigvals eigvalsh norm matrix_rank matrix_power lstsq qr svd cholesky pinv".split()
    ),
    "scipy.optimize": frozenset("fsolve root brentq bisect newton minimize_scalar linprog curve_fit".split()),
    "scipy.integrate": frozenset({"quad", "dblquad", "simpson", "trapezoid"}),
    "scipy.special": frozenset({"comb", "perm", "factorial", "binom", "gamma", "beta", "erf", "erfc"}),
    **{name: frozenset(_SYMPY) for name in SYMPY_MODULES},
}
"""Module → names that a tame program may take from it."""

SUBMODULES: dict[str, frozenset[str]] = {
    "numpy": frozenset({"linalg"}),
    "scipy": frozenset({"optimize", "integrate", "special"}),
}
"""Package → its modules that may be reached as attributes."""

METHODS = frozenset(
    """
    append extend insert remove pop clear index count sort reverse copy add discard update union intersection difference
    symmetric_difference issubset issuperset isdisjoint intersection_update difference_update keys values items get
    setdefault popitem most_common elements appendleft popleft extendleft rotate total move_to_end
    upper lower strip lstrip rstrip split rsplit splitlines join replace startswith endswith find rfind isdigit isalpha
    isalnum isnumeric isdecimal islower isupper isspace title capitalize swapcase zfill center ljust rjust partition
    rpartition removeprefix removesuffix casefold translate
    bit_length bit_count is_integer as_integer_ratio conjugate real imag numerator denominator limit_denominator hex
    quantize to_integral_value normalize sqrt ln
    group groups groupdict start end span findall finditer search match fullmatch sub
    year month day weekday isoweekday isoformat days seconds total_seconds toordinal fromordinal date strftime
    send close
    subs evalf n doit simplify expand factor collect apart together cancel trigsimp powsimp radsimp ratsimp nsimplify
    diff integrate limit series summation as_numer_denom as_real_imag as_coefficients_dict as_ordered_terms
    as_ordered_factors as_powers_dict as_base_exp as_independent as_coeff_Mul as_coeff_mul as_coeff_add as_poly as_expr
    as_dict as_set as_two_terms
    coeff coeffs all_coeffs all_roots degree LC TC LT terms monoms monom nth eval rem quo div gcd lcm exquo resultant
    discriminant factor_list sqf_list real_roots nroots ground_roots count_roots is_irreducible total_degree
    args func free_symbols atoms has xreplace replace rewrite equals is_number is_real is_positive is_negative is_zero
    is_integer is_rational is_nonnegative is_nonpositive is_complex is_imaginary is_finite is_infinite is_even is_odd
    is_prime is_Integer is_Rational is_Float is_Number is_Symbol is_Add is_Mul is_Pow is_Piecewise is_Relational
    is_Boolean is_polynomial is_rational_function is_algebraic is_commutative is_constant is_empty is_subset is_square
    is_symmetric is_diagonalizable is_integer lhs rhs rel_op name p q exp base expr variables limits function
    round floor ceiling transpose det inv rref rank nullspace columnspace rowspace eigenvals eigenvects charpoly
    diagonalize trace norm dot cross row col row_join col_join row_insert col_insert row_del col_del hstack vstack
    applyfunc reshape tolist shape rows cols T H adjugate cofactor minor LUsolve LUdecomposition QRdecomposition
    gauss_jordan_solve jordan_form is_singular values eye zeros ones diag vec multiply multiply_elementwise
    sup inf start end left_open right_open boundary interior closure complement contains measure is_disjoint sets
    Reals Integers Naturals Naturals0 Rationals Complexes Half One Zero NegativeOne Infinity NegativeInfinity
    ImaginaryUnit Pi Exp1 EmptySet ComplexInfinity NaN
    x y z distance midpoint slope length perimeter area radius center centroid circumcenter circumradius circumcircle
    incenter inradius incircle orthocenter medians altitudes bisectors angles sides vertices points p1 p2 direction
    equation coefficients parallel_line perpendicular_line perpendicular_segment perpendicular_bisector projection
    is_parallel is_perpendicular is_collinear is_concyclic angle_between intersection tangent_lines foci
    eccentricity encloses_point is_right is_equilateral is_isosceles is_similar normal_vector
    sum prod mean std var min max argmin argmax cumsum cumprod all any astype flatten ravel ndim size dtype item
    nonzero argsort searchsorted trace diagonal round clip repeat squeeze swapaxes tolist take fill
    success fun
    order cycle_structure parity signature cyclic_form array_form
    """.split()
)
"""Attributes that a tame program may read of any value. None reaches a module, a frame, a namespace or raw memory."""
