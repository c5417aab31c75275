"""Nothing but loops: slow, and right."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = A
        Z = np.zeros((len(A), len(self.W)))
        for n in range(len(A)):
            for o in range(len(self.W)):
                z = self.b[o][0]
                for i in range(len(self.W[o])):
                    z += A[n][i] * self.W[o][i]
                Z[n][o] = z
        return Z

    def backward(self, dLdZ):
        N, C_out, C_in = len(dLdZ), len(self.W), len(self.W[0])
        self.dLdW = np.zeros((C_out, C_in))
        self.dLdb = np.zeros((C_out, 1))
        dLdA = np.zeros((N, C_in))
        for n in range(N):
            for o in range(C_out):
                self.dLdb[o][0] += dLdZ[n][o]
                for i in range(C_in):
                    self.dLdW[o][i] += dLdZ[n][o] * self.A[n][i]
                    dLdA[n][i] += dLdZ[n][o] * self.W[o][i]
        if self.debug:
            self.dLdA = dLdA
        return dLdA
