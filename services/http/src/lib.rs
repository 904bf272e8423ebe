//! The edge of the HTTP interfaces: problem answers, who is calling, bodies and queries read strictly.
