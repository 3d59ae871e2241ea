#include "model/layout_choice.h"

namespace tern::model {

using tensor::TernaryLayout;

LayoutChoice choose_layout(WeightsLayout requested) {
  switch (requested) {
    case WeightsLayout::kT2:
      return {TernaryLayout::kT2, "requested"};
    case WeightsLayout::kT5:
      return {TernaryLayout::kT5, "requested"};
    case WeightsLayout::kL2:
      return {TernaryLayout::kL2, "requested"};
    case WeightsLayout::kAuto:
      break;
  }
  return {TernaryLayout::kT2, "default"};
}

}  // namespace tern::model
