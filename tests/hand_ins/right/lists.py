"""Matrices kept in lists, without NumPy."""

from operator import mul


def product(left, right):
    columns = list(zip(*right, strict=True))
    return [[sum(map(mul, row, column)) for column in columns] for row in left]


def turned(matrix):
    return [list(row) for row in zip(*matrix, strict=True)]


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = [[0.0] * in_features for _ in range(out_features)]
        self.b = [[0.0] for _ in range(out_features)]
        self.debug = debug

    def forward(self, A):
        self.A = [list(row) for row in A]
        Z = product(self.A, turned(self.W))
        return [[z + beta[0] for z, beta in zip(row, self.b, strict=True)] for row in Z]

    def backward(self, dLdZ):
        G = [list(row) for row in dLdZ]
        self.dLdW = product(turned(G), self.A)
        self.dLdb = [[sum(column)] for column in turned(G)]
        dLdA = product(G, self.W)
        if self.debug:
            self.dLdA = dLdA
        return dLdA
