"""Errors that students make, each written into the reference solution, and the name it has.

Several ways of making the same error stand under one name, with a number behind it.
"""

from conftest import ROOT

REFERENCE = ROOT / "tests" / "hand_ins" / "reference.py"
Z = "self.A.dot(self.W.T) + self.Ones.dot(self.b.T)"
DLDB = "self.dLdb = dLdZ.T.dot(self.Ones)"
DLDW = "self.dLdW = dLdZ.T.dot(self.A)"
DLDA = "dLdA = dLdZ.dot(self.W)"
SLOPE = "dLdA * (self.Z > 0)"
RELU = "        self.Z = Z\n        return np.maximum(Z, 0)"
LOSS = "float(-(self.Y * log_P).sum() / self.N)"
LOSS_SLOPE = "(self.P - self.Y) / self.N"
SOFTMAX = "shifted = Z - Z.max(axis=1, keepdims=True)"
SUMS = "sums = exps.sum(axis=1, keepdims=True)"
START = "self.b = np.zeros((out_features, 1))"
BACK = "self.hidden.backward(self.relu.backward(dLdA_h))"

TWELVE = {
    "SCALAR BIAS GRADIENT": (DLDB, "self.dLdb = np.sum(dLdZ)"),
    "TRANSPOSED PRODUCT": (DLDA, "dLdA = dLdZ.dot(self.W.T)"),
    "FORGOTTEN BIAS": (Z, "self.A.dot(self.W.T)"),
    "1/N DROPPED": (LOSS_SLOPE, "self.P - self.Y"),
    "WRONG SIGN": (LOSS_SLOPE, "(self.Y - self.P) / self.N"),
    "GRADIENTS ADDED UP OVER BATCHES": (
        DLDW,
        "self.dLdW = getattr(self, 'dLdW', 0) + dLdZ.T.dot(self.A)",
    ),
    "RELU UPSIDE DOWN": (SLOPE, "dLdA * (self.Z <= 0)"),
    "RELU'S DERIVATIVE TAKEN AT A": (SLOPE, "dLdA * (np.maximum(self.Z, 0) >= 0)"),
    "SOFTMAX ALONG THE WRONG AXIS": (SUMS, "sums = exps.sum(axis=0, keepdims=True)"),
    "OVERFLOW": (SOFTMAX, "shifted = Z"),
    "MEAN OVER THE WRONG AXIS": (DLDB, "self.dLdb = dLdZ.mean(axis=1, keepdims=True)"),
    "b BROADCASTS BY ACCIDENT": (START, "self.b = np.zeros(out_features)"),
}
MORE = {
    "SCALAR BIAS GRADIENT 2": (DLDB, "self.dLdb = np.full((dLdZ.shape[1], 1), dLdZ.sum())"),
    "SCALAR BIAS GRADIENT 3": (DLDB, "self.dLdb = np.mean(dLdZ)"),
    "SCALAR BIAS GRADIENT 4": (DLDB, "self.dLdb = -dLdZ.sum(keepdims=True)"),
    "TRANSPOSED PRODUCT 2": (Z, "self.A.dot(self.W) + self.Ones.dot(self.b.T)"),
    "TRANSPOSED PRODUCT 3": (DLDW, "self.dLdW = self.A.T.dot(dLdZ)"),
    "TRANSPOSED PRODUCT 4": (DLDW, "self.dLdW = dLdZ.dot(self.A.T)"),
    "TRANSPOSED PRODUCT 5": (Z, "self.W.dot(self.A.T) + self.b"),
    "TRANSPOSED PRODUCT 6": (DLDA, "dLdA = self.W.T.dot(dLdZ.T)"),
    "TRANSPOSED PRODUCT 7": (DLDW, "self.dLdW = dLdZ.dot(self.A)"),
    "1/N DROPPED 2": (LOSS, "float(-(self.Y * log_P).sum())"),
    "1/N TWICE": (DLDB, "self.dLdb = dLdZ.T.dot(self.Ones) / self.N"),
    "1/N TWICE 2": (DLDW, "self.dLdW = dLdZ.T.dot(self.A) / self.N"),
    "1/N TWICE 3": (LOSS_SLOPE, "(self.P - self.Y) / self.N / self.N"),
    "1/N TWICE 4": (LOSS, "float(-(self.Y * log_P).sum(axis=1).mean() / self.N)"),
    "1/N TWICE 5": (DLDB, "self.dLdb = dLdZ.mean(axis=0)[:, None]"),
    "WRONG SIGN 2": (DLDW, "self.dLdW = -dLdZ.T.dot(self.A)"),
    "WRONG SIGN 3": (DLDA, "dLdA = -dLdZ.dot(self.W)"),
    "WRONG SIGN 4": (DLDB, "self.dLdb = -dLdZ.T.dot(self.Ones)"),
    "WRONG SIGN 5": (LOSS, "float((self.Y * log_P).sum() / self.N)"),
    "WRONG SIGN 6": (LOSS_SLOPE, "(self.P + self.Y) / self.N"),
    "WRONG SIGN 7": (Z, "self.A.dot(self.W.T) - self.Ones.dot(self.b.T)"),
    "GRADIENTS ADDED UP OVER BATCHES 2": (
        DLDB,
        "self.dLdb = getattr(self, 'dLdb', 0) + dLdZ.T.dot(self.Ones)",
    ),
    "RELU UPSIDE DOWN 2": (SLOPE, "dLdA * (self.Z < 0)"),
    "RELU UPSIDE DOWN 3": (RELU, "        self.Z = Z\n        return np.minimum(Z, 0)"),
    "RELU'S DERIVATIVE TAKEN AT dLdA": (SLOPE, "dLdA * (dLdA > 0)"),
    "MULTIPLIED BY A OR Z": (SLOPE, "dLdA * np.maximum(self.Z, 0)"),
    "NO MASK": (SLOPE, "dLdA"),
    "NO MEAN TAKEN": (LOSS, "-(self.Y * log_P).sum(axis=1)"),
    "ONE NUMBER FOR THE BATCH": (RELU, "        self.Z = Z\n        return max(0, Z.max())"),
    "BINARY CROSS-ENTROPY": (
        LOSS,
        "-(self.Y * log_P + (1 - self.Y) * np.log(1 - self.P)).sum() / self.N",
    ),
    "LABELS FORGOTTEN": (LOSS, "float(-log_P.max(axis=1).mean())"),
    "LABELS SHIFTED BY ONE": ("[labels]", "[labels - 1]"),
    "DERIVATIVE OF A SIGMOID": (LOSS_SLOPE, f"{LOSS_SLOPE} * self.P * (1 - self.P)"),
    "ELEMENT BY ELEMENT": (Z, "self.A * self.W + self.Ones.dot(self.b.T)"),
    "WRONG FACTOR": (Z, f"{Z} + self.b.T"),
    "ONE BIAS FOR ALL OUTPUTS": (Z, "self.A.dot(self.W.T) + self.b[0]"),
    "1/N TWICE 6": (Z, "self.A.dot(self.W.T) / self.N + self.b.T"),
    "CUT TO WHOLE NUMBERS 2": ("        return Z", "        return Z.astype(int)"),
    "SOFTMAX ALONG THE WRONG AXIS 2": (SUMS, "sums = exps.sum()"),
    "SOFTMAX ALONG THE WRONG AXIS 3": (
        f"{SOFTMAX}\n        exps = np.exp(shifted)\n        {SUMS}",
        "shifted = Z - Z.max(axis=0)\n        exps = np.exp(shifted)\n"
        "        sums = exps.sum(axis=0)",
    ),
    "MEAN OVER THE WRONG AXIS 2": (LOSS, "float(-(self.Y * log_P).mean())"),
    "MEAN OVER THE WRONG AXIS 3": (
        LOSS_SLOPE,
        "(self.P - self.Y) / Z.shape[1]".replace("Z", "self.P"),
    ),
    "MEAN OVER THE WRONG AXIS 4": (LOSS, "float(-(self.Y * log_P).sum(axis=0).mean())"),
    "b BROADCASTS BY ACCIDENT 2": (Z, "self.A.dot(self.W.T) + self.b"),
    "b BROADCASTS BY ACCIDENT 3": (DLDB, "self.dLdb = dLdZ.sum(axis=0)"),
    "OVERFLOW 2": (SOFTMAX, "shifted = Z - Z.min(axis=1, keepdims=True)"),
    "LOGARITHM OF ZERO": (LOSS, "float(-np.log(self.P[self.Y == 1]).sum() / self.N)"),
    "LOSS CUT OFF": (LOSS, "float(-(self.Y * np.log(self.P + 1e-12)).sum() / self.N)"),
    "LARGEST OF THE WHOLE BATCH": (SOFTMAX, "shifted = Z - Z.max()"),
    "OUTPUTS CUT OFF": (SOFTMAX, "shifted = np.clip(Z, -30, 30)"),
    "OUTPUTS CUT OFF 2": (SOFTMAX, "shifted = np.clip(Z, -500, 500)"),
    "LEFT OVER 2": (
        "self.Y = np.eye(Z.shape[1])[labels]",
        "Y = np.eye(Z.shape[1])[labels]\n"
        "        self.Y = getattr(self, 'Y', Y)\n"
        "        if len(self.Y) != len(Y):\n            self.Y = Y",
    ),
    "WRONG AT ZERO": (SLOPE, "dLdA * (self.Z >= 0)"),
    "WRONG AT ZERO 2": (SLOPE, "dLdA * (np.sign(self.Z) + 1) / 2"),
    "CUT OFF": (RELU, "        self.Z = Z\n        return np.clip(Z, 0, 6)"),
    "CHANGED IN PLACE": (RELU, "        self.Z = Z.copy()\n        return np.maximum(Z, 0, out=Z)"),
    "CHANGED IN PLACE 2": ("dLdZ = np.array(dLdZ)", "self.W -= 0.1"),
    "SUM OVER THE WRONG AXIS": (DLDB, "self.dLdb = dLdZ.sum(axis=1)"),
    "dLdZ RETURNED": ("        return dLdA", "        return dLdZ"),
    "NOTHING RETURNED OR STORED": ("        return dLdA", "        pass"),
    "NOTHING RETURNED OR STORED 2": (DLDB, "dLdb = dLdZ.T.dot(self.Ones)"),
    "dLdA KEPT ALWAYS": ("if self.debug:", "if True:"),
    "dLdA NOT KEPT": ("if self.debug:", "if False:"),
    "NO ZERO START": ("self.W = np.zeros(", "self.W = np.ones("),
    "WRONG SHAPE": (
        "self.W = np.zeros((out_features, in_features))",
        "self.W = np.zeros((in_features, out_features))",
    ),
    "WRONG SHAPE 2": (START, "self.b = np.zeros((1, out_features))"),
    "ONE SAMPLE ONLY": (
        DLDW,
        "self.dLdW = sum(np.outer(g, a) for g, a in zip(dLdZ[-1:], self.A[-1:]))",
    ),
    "FIRST BATCH KEPT": (
        "        self.A = np.array(A)",
        "        self.A = getattr(self, 'A', np.array(A))",
    ),
    "CUT TO WHOLE NUMBERS": ("        return Z", "        return Z.astype(self.A.dtype)"),
    "SHARED BETWEEN LAYERS": ("        self.A = np.array(A)", "        Linear.A = np.array(A)"),
    "LEFT OVER": (
        RELU,
        "        if np.shape(getattr(self, 'Z', 0)) != Z.shape:\n            self.Z = Z\n"
        "        return np.maximum(Z, 0)",
    ),
    "WRONG SHAPE 3": ("self.hidden = Linear(784, hidden_size)", "self.hidden = Linear(784, 10)"),
    "WRONG SHAPE 4": (
        "self.hidden = Linear(784, hidden_size)",
        "self.hidden = Linear(hidden_size, 784)",
    ),
    "CHANGED IN PLACE 3": (BACK, f"{BACK}\n        self.output.W = 0.9 * self.output.W"),
    "RELU FORGOTTEN": (
        "self.relu.forward(self.hidden.forward(A))",
        "self.hidden.forward(A)\n        self.relu.forward(A_h)",
    ),
}


def planted(*names):
    """Return the reference solution with the errors of these names in it."""
    source = REFERENCE.read_text(encoding="utf-8")
    for name in names:
        right, wrong = (TWELVE | MORE)[name]
        assert source.count(right) >= 1, f"{name}: {right!r} is not in the reference"
        source = source.replace(right, wrong, 1)
    return source


def title(name):
    """Return the name of an error without the number of the way."""
    return name.rstrip(" 0123456789")
