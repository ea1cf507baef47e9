"""What always holds in the deep equilibrium model T = phi(W T + U X), yhat = T' a, at initialization.

The bounds of the equilibrium use that phi is L_phi-Lipschitz with |phi(0)| = phi_0: for every solution T,
|T|_F <= |phi(W T + U X) - phi(0)|_F + phi_0 sqrt(mn) <= L_phi |W T + U X|_F + phi_0 sqrt(mn).
"""

from checker.settings.axioms import HORN_JOHNSON, TRAINED, Axiom

_LIPSCHITZ = "|T|_F <= L_phi |W T + U X|_F + phi_0 sqrt(mn), since T solves T = phi(W T + U X)"
_BELOW_ONE = frozenset({"tanh", "erf", "sigmoid", "sin"})
_READOUT = frozenset({"a"})

DEQ_AXIOMS: tuple[Axiom, ...] = (
    *TRAINED,
    Axiom("constants of the activation", "L_phi > 0 and phi_0 >= 0", "phi is not constant"),
    Axiom("size of the equilibrium",
          "norm_fro(T)*(1 - L_phi*norm2(W)) <= L_phi*norm2(U)*norm_fro(X) + phi_0*sqrt(m*n)", _LIPSCHITZ),
    Axiom("size of the equilibrium, through the inputs",
          "norm_fro(T)*(1 - L_phi*norm2(W)) <= L_phi*norm_fro(U)*norm2(X) + phi_0*sqrt(m*n)", _LIPSCHITZ),
    Axiom("size of the equilibrium, through the preactivation",
          "norm_fro(T) <= L_phi*norm_fro(preactivation) + phi_0*sqrt(m*n)", _LIPSCHITZ),
    Axiom("size of the preactivation",
          "norm_fro(preactivation) <= norm2(W)*norm_fro(T) + norm2(U)*norm_fro(X)",
          f"{HORN_JOHNSON}, 5.6.P20: |A B|_F <= |A|_2 |B|_F"),
    Axiom("bounded activation", "norm_fro(T)**2 <= m*n", "every entry of T is a value of phi, at most 1",
          activations=_BELOW_ONE),
    Axiom("first gap", "gap <= L_phi*norm2(U)*norm_fro(X) + phi_0*sqrt(m*n)",
          "the gap at initialization is |phi(U X)|_F"),
    Axiom("equilibrium against the first gap", "norm_fro(T)*(1 - L_phi*norm2(W)) <= gap",
          "T - phi(U X) = phi(W T + U X) - phi(U X)"),
    Axiom("first gap against the equilibrium", "gap <= (1 + L_phi*norm2(W))*norm_fro(T)",
          "T - phi(U X) = phi(W T + U X) - phi(U X)"),
    Axiom("gap is a norm", "gap >= 0", "definition"),
    Axiom("size of the predictions", "norm2(yhat) <= norm2(T)*norm2(a)", "yhat = T' a"),
    Axiom("rank of a linear model's Gram matrix", "lambda_min(G)*max(n - d, 0) == 0",
          "with phi the identity T is linear in X, of rank at most d", activations=frozenset({"identity"})),
    Axiom("readout gradient", "norm2(grad_a) <= norm2(T)*residual", "grad_a = T (yhat - y)", trains=_READOUT),
    Axiom("readout gradient from below", "norm2(grad_a)**2 >= lambda_min(G)*residual**2",
          "|T r|^2 = r' G r", trains=_READOUT),
    Axiom("gradient against the readout's", "grad_norm >= norm2(grad_a)", "a part of the joint gradient",
          trains=_READOUT),
    Axiom("gradient domination", "grad_norm**2 >= lambda_min(NTK)*residual**2", "|grad|^2 = r' NTK r"),
    Axiom("gradient from above", "grad_norm**2 <= lambda_max(NTK)*residual**2", "|grad|^2 = r' NTK r"),
    Axiom("kernel of the readout, least eigenvalue", "lambda_min(NTK) >= lambda_min(G)",
          "NTK - G is the kernel of W and U, semidefinite (Weyl)", trains=_READOUT),
    Axiom("kernel of the readout, largest eigenvalue", "lambda_max(NTK) >= lambda_max(G)",
          "NTK - G is the kernel of W and U, semidefinite (Weyl)", trains=_READOUT),
    Axiom("kernel of the readout, trace", "trace(NTK) >= trace(G)",
          "NTK - G is the kernel of W and U, semidefinite", trains=_READOUT),
    Axiom("interpolation", "lambda_min(G)*loss_star == 0",
          "where G is regular, some readout fits every label", trains=_READOUT),
)  # fmt: skip
"""The axioms of the setting `deq`."""
